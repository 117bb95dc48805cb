using System.Text.RegularExpressions;
using Framelease.Domain.Tasks;

namespace Framelease.Domain.Tests.Tasks;

public partial class AttemptNameTests
{
    const string Uid = "0c5e9f5a-7b1d-4a53-9d7e-1a2b3c4d5e6f";

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
    private static partial Regex DnsLabel();

    [Theory]
    [InlineData("clip", "clip-0c5e9f5a7b-0-1")]
    [InlineData("my.clip.v2", "my-clip-v2-0c5e9f5a7b-0-1")]
    [InlineData("CLIP", "clip-0c5e9f5a7b-0-1")]
    [InlineData("...", "task-0c5e9f5a7b-0-1")]
    [InlineData("", "task-0c5e9f5a7b-0-1")]
    [InlineData("видео", "task-0c5e9f5a7b-0-1")]
    [InlineData("-edge-", "edge-0c5e9f5a7b-0-1")]
    [InlineData("123456789012345678901234567890tail", "123456789012345678901234567890-0c5e9f5a7b-0-1")]
    [InlineData("12345678901234567890123456789.tail", "12345678901234567890123456789-0c5e9f5a7b-0-1")]
    public void A_name_is_the_tasks_stem_the_uid_the_scene_and_the_attempt(string task, string expected) =>
        AttemptName.Of(task, Uid, 0, 1).ShouldBe(expected);

    [Fact]
    public void A_thousand_random_names_are_DNS_labels_always_the_same_and_never_shared()
    {
        const int Seed = 1414;
        const string Alphabet = "abcxyzABCXYZ0189.-_ /ß日\u0130💡";
        var random = new Random(Seed);
        var names = new Dictionary<string, (string, string, int, int)>();
        for (var i = 0; i < 1_000; i++)
        {
            var task = new string(Enumerable.Range(0, random.Next(0, 254)).Select(_ => Alphabet[random.Next(Alphabet.Length)]).ToArray());
            var bytes = new byte[16];
            random.NextBytes(bytes);
            var uid = new Guid(bytes).ToString();
            var (scene, attempt) = (random.Next(0, 50), random.Next(1, 1001));
            var name = AttemptName.Of(task, uid, scene, attempt);
            name.Length.ShouldBeLessThanOrEqualTo(63);
            DnsLabel().IsMatch(name).ShouldBeTrue($"{name} of \"{task}\", seed {Seed}");
            AttemptName.Of(task, uid, scene, attempt).ShouldBe(name);
            names.TryAdd(name, (task, uid, scene, attempt)).ShouldBeTrue($"{name} twice, seed {Seed}");
        }
    }

    [Fact]
    public void The_largest_numbers_still_fit() =>
        AttemptName.Of(new string('a', 253), Uid, int.MaxValue, int.MaxValue).Length.ShouldBe(63);

    [Fact]
    public void Two_scenes_or_attempts_of_one_task_never_share_a_name() =>
        Enumerable.Range(0, 50).SelectMany(s => Enumerable.Range(1, 41).Select(a => AttemptName.Of("clip", Uid, s, a))).ShouldBeUnique();

    [Theory]
    [InlineData("not-a-uuid", "other-one")]
    [InlineData("", "x")]
    [InlineData("zzzz-1", "zzzz-2")]
    public void Uids_without_enough_hex_digits_do_not_collide(string one, string other)
    {
        AttemptName.Of("clip", one, 0, 1).ShouldNotBe(AttemptName.Of("clip", other, 0, 1));
        DnsLabel().IsMatch(AttemptName.Of("clip", one, 0, 1)).ShouldBeTrue();
    }

    [Fact]
    public void The_case_of_a_uid_does_not_matter() =>
        AttemptName.Of("clip", Uid.ToUpperInvariant(), 0, 1).ShouldBe(AttemptName.Of("clip", Uid, 0, 1));

    [Fact]
    public void A_staging_key_carries_attempt_and_token_so_that_two_holders_never_write_one_key()
    {
        AttemptName.StagingKey("acme", Uid, 2, 3, 17, ".mp4").ShouldBe($"tenants/acme/tasks/{Uid}/scene-2/attempt-3-token-17.mp4");
        (from scene in Enumerable.Range(0, 5)
         from attempt in Enumerable.Range(1, 5)
         from token in Enumerable.Range(0, 20)
         select AttemptName.StagingKey("acme", Uid, scene, attempt, token, ".mp4")).ShouldBeUnique();
    }
}
