from anlan.kernel.forms import Form
from anlan.kernel.indicators import Indicator

OFFICE = "office office_head"
GROUP = "党建与内控"

Form("idea", "金点子",
     "title:题目! unit:所在单位:unit author:提出人! text:建议内容:long!",
     items="44", group=GROUP, way="approval", write=f"{OFFICE} district_duty town_duty", decides="office_head leader",
     prefix="金点子")  # fmt: skip
Form("office_goal", "处室创新目标",
     "unit:处室:unit! goal:年度创新目标! due_on:完成时间:time! measure:衡量办法:long!",
     items="44", group=GROUP, way="task", owner="unit", write=OFFICE, decides="leader", within="due_on", basis="处室创新方舱工程年度目标",
     raises="leader", prefix="创新")  # fmt: skip
Form("online_class", "线上专题培训班",
     "topic:专题! kind:类别:公务员法规|应急理论|灾难自救互救|其他! began_on:开班日期:date! hours:学时:number pass_mark:合格分:int!",
     items="44", group=GROUP, write=OFFICE)  # fmt: skip
Form("class_record", "线上学习记录",
     "course:培训班:of(online_class)! learner:学员! unit:所在单位:unit hours:已学学时:number! score:测试成绩:number"
     " finished_on:结业日期:date",
     items="44", group=GROUP, write=OFFICE)  # fmt: skip
Form("lecture", "大讲堂与亮绩赛绩",
     "topic:主题! kind:类别:蓄力赋能大讲堂|亮绩赛绩! held_on:日期:date! speaker:主讲或参赛处室! people:参加人数:int",
     items="44", group=GROUP, write=OFFICE)  # fmt: skip

Indicator("innovation.classes", "线上专题培训班", "online_class", unit="期", when="began_on", aim="*线上专题培训班",
          definition="期内开班的线上专题培训班期数")  # fmt: skip
