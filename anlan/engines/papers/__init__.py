"""Official documents as .docx after GB/T 9704-2012."""
