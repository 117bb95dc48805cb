using Framelease.Domain.Tasks;
using static Framelease.Domain.Tasks.ParameterCheck;

namespace Framelease.Domain.Tests.Tasks;

public class ParameterCheckTests
{
    static readonly Rule[] Rules =
    [
        new("height", ParameterKind.Integer, [], 16, 4320, "720"),
        new("shift", ParameterKind.Integer, [], null, null, null),
        new("floor", ParameterKind.Integer, [], 0, null, null),
        new("roof", ParameterKind.Integer, [], null, 10, null),
        new("codec", ParameterKind.Enum, ["h264", "h265"], null, null, "h264"),
        new("fast", ParameterKind.Boolean, [], null, null, null),
        new("title", ParameterKind.String, [], null, null, null, MaxLength: 8),
    ];

    static Result Of(params (string Name, string Value)[] given) => Check(Rules, given.ToDictionary(p => p.Name, p => p.Value));

    [Fact]
    public void Defaults_fill_in_what_is_not_set_and_the_rest_is_left_out() =>
        Of().Parameters.ShouldBe(new Dictionary<string, string> { ["codec"] = "h264", ["height"] = "720" });

    [Theory]
    [InlineData("height", "16", "16")]
    [InlineData("height", "4320", "4320")]
    [InlineData("height", "+480", "480")]
    [InlineData("height", "0480", "480")]
    [InlineData("height", "00000000000000000000000000000000000480", "480")]
    [InlineData("shift", "-0", "0")]
    [InlineData("shift", "-9223372036854775808", "-9223372036854775808")]
    [InlineData("shift", "9223372036854775807", "9223372036854775807")]
    [InlineData("floor", "0", "0")]
    [InlineData("roof", "-5", "-5")]
    [InlineData("codec", "h265", "h265")]
    [InlineData("fast", "true", "true")]
    [InlineData("fast", "false", "false")]
    [InlineData("title", "", "")]
    [InlineData("title", "a\n\tb; 猫", "a\n\tb; 猫")]
    [InlineData("title", "-vf '%n'", "-vf '%n'")]
    public void What_is_allowed_is_taken_in_one_form(string name, string value, string canonical)
    {
        var result = Of((name, value));
        result.Complaint.ShouldBeNull();
        result.Parameters![name].ShouldBe(canonical);
    }

    [Theory]
    [InlineData("height", "15", "is out of range; allowed: 16 to 4320")]
    [InlineData("height", "4321", "is out of range; allowed: 16 to 4320")]
    [InlineData("height", "-720", "is out of range")]
    [InlineData("floor", "-1", "is out of range; allowed: 0 or more")]
    [InlineData("roof", "11", "is out of range; allowed: 10 or less")]
    [InlineData("shift", "9223372036854775808", "is not an integer; allowed: any integer")]
    [InlineData("shift", "-9223372036854775809", "is not an integer")]
    [InlineData("shift", "99999999999999999999999999999999999999999999999999999999999999999999", "is not an integer")]
    [InlineData("height", "", "parameters.height: \"\" is not an integer")]
    [InlineData("height", " ", "is not an integer")]
    [InlineData("height", " 720", "is not an integer")]
    [InlineData("height", "720 ", "is not an integer")]
    [InlineData("height", "720\n", "is not an integer")]
    [InlineData("height", "720\0", "is not an integer")]
    [InlineData("height", "+-720", "is not an integer")]
    [InlineData("height", "--720", "is not an integer")]
    [InlineData("height", "-", "is not an integer")]
    [InlineData("height", "720.0", "is not an integer")]
    [InlineData("height", "7e2", "is not an integer")]
    [InlineData("height", "0x2d0", "is not an integer")]
    [InlineData("height", "7_20", "is not an integer")]
    [InlineData("height", "1,080", "is not an integer")]
    [InlineData("height", "٧٢٠", "is not an integer")]
    [InlineData("height", "７２０", "is not an integer")]
    [InlineData("height", "\u2212720", "is not an integer")]
    [InlineData("height", "true", "is not an integer")]
    [InlineData("codec", "H264", "is not allowed; allowed: h264, h265")]
    [InlineData("codec", "", "is not allowed")]
    [InlineData("codec", "h264 ", "is not allowed")]
    [InlineData("codec", "h264\0", "is not allowed")]
    [InlineData("codec", "h264;rm -rf /", "is not allowed")]
    [InlineData("fast", "True", "is not a boolean; allowed: \"true\", \"false\"")]
    [InlineData("fast", "1", "is not a boolean")]
    [InlineData("fast", "yes", "is not a boolean")]
    [InlineData("fast", "", "is not a boolean")]
    [InlineData("title", "123456789", "is 9 characters long; allowed: 8")]
    [InlineData("title", "a\0b", "is no plain text")]
    [InlineData("title", "a\u001b[2J", "is no plain text")]
    [InlineData("Height", "720", "parameters.Height: unknown; this engine takes height, shift, floor, roof, codec, fast, title")]
    [InlineData("", "720", "parameters.: unknown")]
    [InlineData("-vf", "scale=1:1", "parameters.-vf: unknown")]
    public void What_is_not_allowed_is_refused_and_the_message_says_what_is(string name, string value, string complaint)
    {
        var result = Of((name, value));
        result.Parameters.ShouldBeNull();
        result.Complaint.ShouldNotBeNull().ShouldContain(complaint);
    }

    [Theory]
    [InlineData("\u001b[31mred", "?[31mred")]
    [InlineData("a\r\nb", "a??b")]
    [InlineData("a\0b", "a?b")]
    [InlineData("\u202Egpj.exe", "?gpj.exe")]
    [InlineData("zero\u200Bwidth", "zero?width")]
    [InlineData("line\u2028separator", "line?separator")]
    [InlineData("schön 💡", "schön 💡")]
    public void What_would_steer_a_terminal_or_hide_text_is_not_shown(string hostile, string shown)
    {
        Of(("codec", hostile)).Complaint!.ShouldContain($"\"{shown}\"");
        Of((hostile, "1")).Complaint!.ShouldContain($"parameters.{shown}: unknown");
    }

    [Fact]
    public void Half_a_character_is_replaced() => Of(("codec", "half \ud83d pair")).Complaint!.ShouldContain("\"half \ufffd pair\"");

    [Fact]
    public void Half_a_character_is_no_text() => Of(("title", "a\ud83db")).Complaint!.ShouldContain("is no plain text");

    [Fact]
    public void Long_texts_are_cut_between_characters()
    {
        Of(("codec", new string('x', 1_000_000))).Complaint!.ShouldContain($"\"{new string('x', 60)}…\"");
        Of(("codec", string.Concat(Enumerable.Repeat("💡", 61)))).Complaint!
            .ShouldContain($"\"{string.Concat(Enumerable.Repeat("💡", 60))}…\"");
        Of(("codec", new string('x', 60))).Complaint!.ShouldContain($"\"{new string('x', 60)}\"");
    }

    [Fact]
    public void All_complaints_come_in_one_message() =>
        Of(("height", "1"), ("codec", "av2"), ("colour", "red")).Complaint!.Split("; ")
            .Count(c => c.StartsWith("parameters.", StringComparison.Ordinal)).ShouldBe(3);

    [Fact]
    public void A_flood_of_complaints_is_bounded_and_says_so()
    {
        var wordy = Enumerable.Range(0, 64)
            .Select(i => new Rule($"p{i}{new string('x', 60)}", ParameterKind.Integer, [], null, null, null)).ToList();
        var complaint = Check(wordy, Enumerable.Range(0, 64).ToDictionary(i => $"unknown{i}", _ => "1")).Complaint!;
        complaint.Length.ShouldBeLessThanOrEqualTo(4096);
        complaint.ShouldEndWith("…; and 56 more");
    }

    [Fact]
    public void An_engine_without_parameters_says_so() =>
        Check([], new Dictionary<string, string> { ["x"] = "1" }).Complaint.ShouldBe("parameters.x: unknown; this engine takes none");

    [Fact]
    public void A_default_that_breaks_its_own_rule_is_the_engines_fault() =>
        Check([new("height", ParameterKind.Integer, [], 1, 9, "10")], new Dictionary<string, string>()).Complaint!
            .ShouldBe("parameters.height: the engine's default \"10\" is out of range; allowed: 1 to 9");

    [Fact]
    public void The_parameters_in_force_come_in_one_order_so_that_their_hash_is_stable() =>
        Of(("shift", "1"), ("fast", "true")).Parameters!.Keys.ShouldBe(["codec", "fast", "height", "shift"]);
}
