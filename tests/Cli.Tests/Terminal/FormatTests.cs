using Framelease.Cli.Terminal;

namespace Framelease.Cli.Tests.Terminal;

public sealed class FormatTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(5_242_880, "5.0 MiB")]
    [InlineData(1L << 50, "1024.0 TiB")]
    public void Bytes_are_shown_in_the_largest_unit_that_fits(long bytes, string text) => Format.Bytes(bytes).ShouldBe(text);

    [Theory]
    [InlineData(-5, "0s")]
    [InlineData(119, "119s")]
    [InlineData(120, "2m")]
    [InlineData(150, "2m30s")]
    [InlineData(3600, "60m")]
    [InlineData(4 * 3600, "4h")]
    [InlineData(100 * 3600, "4d")]
    public void Ages_are_shown_as_kubectl_shows_them(int seconds, string text) => Format.Age(TimeSpan.FromSeconds(seconds)).ShouldBe(text);

    [Fact]
    public void A_line_is_cut_and_cannot_move_the_cursor() => Format.OneLine("a\u001b[2Jbc\ndefgh", 8).ShouldBe("a [2Jbc…");

    [Fact]
    public void Columns_line_up()
    {
        var writer = new StringWriter();
        var table = new TextTable("NAME", "X");
        table.Add("a", "1");
        table.Add("longer", "2");

        table.Write(writer);

        writer.ToString().ShouldBe("NAME     X\na        1\nlonger   2\n");
    }
}
