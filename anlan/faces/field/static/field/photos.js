// Pictures made small before they are sent, and the time and place that their EXIF held, which making small removes.
(function (global) {
  "use strict";
  const SIDE = 1600, QUALITY = 0.8, HEAD = 256 * 1024;

  async function prepare(file) {
    const mark = await exif(file);
    if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return { name: file.name, blob: file, mark };
    const small = await shrunk(file);
    if (!small || small.size >= file.size) return { name: file.name, blob: file, mark };
    return { name: file.name.replace(/\.[^.]*$/, "") + ".jpg", blob: small, mark };
  }

  // Null when the browser cannot draw it; the original goes out then, and the server says what it thinks of it.
  async function shrunk(file) {
    const url = URL.createObjectURL(file);
    try {
      const image = await new Promise((resolve, reject) => {
        const img = new Image();
        img.onload = () => resolve(img);
        img.onerror = reject;
        img.src = url;
      });
      const ratio = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(image.naturalWidth * ratio));
      canvas.height = Math.max(1, Math.round(image.naturalHeight * ratio));
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    } catch (fault) {
      return null;
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  async function exif(file) {
    try {
      return tags(new DataView(await file.slice(0, HEAD).arrayBuffer()));
    } catch (fault) {
      return {};  // a cut or odd header only means that the picture says nothing of itself
    }
  }

  function tags(view) {
    if (view.byteLength < 12 || view.getUint16(0) !== 0xffd8) return {};
    let at = 2;
    while (at + 10 < view.byteLength && view.getUint8(at) === 0xff) {
      const mark = view.getUint8(at + 1), size = view.getUint16(at + 2);
      if (mark === 0xe1 && view.getUint32(at + 4) === 0x45786966) return tiff(view, at + 10);
      if (mark === 0xda) return {};
      at += 2 + size;
    }
    return {};
  }

  function tiff(view, start) {
    const little = view.getUint16(start) === 0x4949;
    const u16 = (at) => view.getUint16(start + at, little), u32 = (at) => view.getUint32(start + at, little);
    const folder = (at) => {
      const found = {};
      for (let n = 0; n < u16(at); n++) {
        const entry = at + 2 + n * 12;
        found[u16(entry)] = entry;
      }
      return found;
    };
    const text = (entry) => {
      const length = u32(entry + 4), at = length > 4 ? u32(entry + 8) : entry + 8;
      let said = "";
      for (let n = 0; n < length; n++) said += String.fromCharCode(view.getUint8(start + at + n));
      return said.replace(/\0.*$/, "");
    };
    const degrees = (entry, side) => {
      const at = u32(entry + 8);
      const part = (n) => u32(at + n * 8) / u32(at + n * 8 + 4);
      const value = part(0) + part(1) / 60 + part(2) / 3600;
      return /^[SW]/.test(side) ? -value : value;
    };
    const root = folder(u32(4)), found = {};
    const inner = root[0x8769] ? folder(u32(root[0x8769] + 8)) : {};
    const taken = inner[0x9003] ? text(inner[0x9003]).match(/^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/) : null;
    const zone = inner[0x9011] ? text(inner[0x9011]) : "+08:00";
    if (taken) found.taken_at = taken[1] + "-" + taken[2] + "-" + taken[3] + "T" + taken[4] + zone;
    const gps = root[0x8825] ? folder(u32(root[0x8825] + 8)) : {};
    if (gps[1] && gps[2] && gps[3] && gps[4]) {
      const lat = degrees(gps[2], text(gps[1])), lon = degrees(gps[4], text(gps[3]));
      if (isFinite(lat) && isFinite(lon)) { found.lat = lat; found.lon = lon; }
    }
    return found;
  }

  global.Photos = { prepare, exif };
})(self);
