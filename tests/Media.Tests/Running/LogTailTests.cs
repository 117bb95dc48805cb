using System.Text;
using Framelease.Media.Running;

namespace Framelease.Media.Tests.Running;

public class LogTailTests
{
    [Fact]
    public void The_last_whole_lines_are_kept()
    {
        var tail = new LogTail();
        for (var i = 0; i < 10_000; i++)
            tail.Add(Encoding.UTF8.GetBytes($"line {i}\n"));
        var text = tail.ToString();
        Encoding.UTF8.GetByteCount(text).ShouldBeLessThanOrEqualTo(LogTail.MaxBytes);
        text.ShouldEndWith("line 9999\n");
        text.ShouldStartWith("line ");
    }

    [Fact]
    public void One_write_larger_than_the_tail_keeps_its_end()
    {
        var tail = new LogTail();
        tail.Add(Encoding.UTF8.GetBytes(new string('a', 20_000) + "end"));
        tail.ToString().ShouldEndWith("end");
    }

    [Fact]
    public void Control_characters_of_a_hostile_name_are_taken_out()
    {
        var tail = new LogTail();
        tail.Add("a\u001b[31mred\rb\n"u8);
        tail.ToString().ShouldBe("a?[31mred\nb\n");
    }
}
