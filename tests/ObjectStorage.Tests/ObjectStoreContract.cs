using System.Security.Cryptography;
using System.Text;

namespace Framelease.ObjectStorage.Tests;

/// <summary>What every backend must do. A backend's test class inherits this and gives an empty store.</summary>
public abstract class ObjectStoreContract
{
    protected abstract IObjectStore Store { get; }

    protected static MemoryStream Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    protected static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    protected Task<ObjectInfo> Put(string key, string text, PutOptions? options = null) =>
        Store.PutAsync(key, Bytes(text), options ?? new PutOptions(), default);

    protected async Task<string> Get(string key, ByteRange? range = null)
    {
        await using var content = await Store.GetAsync(key, range, default);
        using var reader = new StreamReader(content.Stream);
        var text = await reader.ReadToEndAsync();
        ((long)Encoding.UTF8.GetByteCount(text)).ShouldBe(content.Length);
        return text;
    }

    protected static async Task<ObjectStoreError> Error(Func<Task> call) => (await Should.ThrowAsync<ObjectStoreException>(call)).Error;

    async Task<List<string>> Keys(ListRequest request)
    {
        List<string> all = [];
        do
        {
            var page = await Store.ListAsync(request, default);
            (page.Objects.Count + page.Prefixes.Count).ShouldBeLessThanOrEqualTo(request.MaxKeys);
            all.AddRange(page.Objects.Select(o => o.Key).Concat(page.Prefixes));
            request = request with { Continuation = page.Next };
        }
        while (request.Continuation is not null);
        return all;
    }

    [Fact]
    public async Task What_was_put_is_got()
    {
        var put = await Put("videos/a.mp4", "hello", new PutOptions(ContentType: "video/mp4"));
        put.Sha256.ShouldBe(Sha256("hello"));
        put.Size.ShouldBe(5);
        (await Get("videos/a.mp4")).ShouldBe("hello");
        var head = await Store.HeadAsync("videos/a.mp4", default);
        head.ShouldBe(put);
        head!.ContentType.ShouldBe("video/mp4");
    }

    [Fact]
    public async Task An_empty_object_is_an_object()
    {
        await Put("empty", "");
        (await Get("empty")).ShouldBe("");
        (await Store.HeadAsync("empty", default))!.Size.ShouldBe(0);
    }

    [Fact]
    public async Task The_content_type_follows_the_extension_unless_given()
    {
        (await Put("a.webm", "x")).ContentType.ShouldBe("video/webm");
        (await Put("a.unknown", "x")).ContentType.ShouldBe("application/octet-stream");
    }

    [Fact]
    public async Task What_is_absent_is_not_found()
    {
        (await Store.HeadAsync("absent", default)).ShouldBeNull();
        (await Error(() => Store.GetAsync("absent", null, default))).ShouldBe(ObjectStoreError.NotFound);
        (await Error(() => Store.CopyAsync("absent", "b", false, default))).ShouldBe(ObjectStoreError.NotFound);
        await Store.DeleteAsync("absent", default);
        await Store.DeleteAsync("not/even/a/folder", default);
    }

    [Fact]
    public async Task A_folder_of_keys_is_not_an_object()
    {
        await Put("folder/a", "x");
        (await Store.HeadAsync("folder", default)).ShouldBeNull();
        (await Error(() => Store.GetAsync("folder", null, default))).ShouldBe(ObjectStoreError.NotFound);
    }

    [Theory]
    [InlineData(0L, 0L, "h")]
    [InlineData(1L, 3L, "ell")]
    [InlineData(2L, null, "llo")]
    [InlineData(null, 2L, "lo")]
    [InlineData(null, 99L, "hello")]
    [InlineData(3L, 99L, "lo")]
    public async Task A_range_is_cut_out(long? from, long? to, string text)
    {
        await Put("ranged", "hello");
        (await Get("ranged", new ByteRange(from, to))).ShouldBe(text);
    }

    [Fact]
    public async Task A_range_behind_the_end_is_refused()
    {
        await Put("short", "hello");
        (await Error(() => Store.GetAsync("short", new ByteRange(5, null), default))).ShouldBe(ObjectStoreError.RangeNotSatisfiable);
    }

    [Fact]
    public async Task Overwriting_changes_bytes_digest_and_etag()
    {
        var first = await Put("over", "one");
        var second = await Put("over", "two!");
        second.ETag.ShouldNotBe(first.ETag);
        (await Get("over")).ShouldBe("two!");
        (await Store.HeadAsync("over", default))!.Sha256.ShouldBe(Sha256("two!"));
    }

    [Fact]
    public async Task A_reader_keeps_its_version_while_it_is_overwritten_and_deleted()
    {
        await Put("kept", "first version");
        await using var content = await Store.GetAsync("kept", null, default);
        await Put("kept", "second");
        await Store.DeleteAsync("kept", default);
        using var reader = new StreamReader(content.Stream);
        (await reader.ReadToEndAsync()).ShouldBe("first version");
    }

    [Fact]
    public async Task Create_only_refuses_a_taken_key_and_leaves_it_alone()
    {
        await Put("once", "first", new PutOptions(IfNoneMatch: true));
        (await Error(() => Put("once", "second", new PutOptions(IfNoneMatch: true)))).ShouldBe(ObjectStoreError.PreconditionFailed);
        (await Get("once")).ShouldBe("first");
    }

    [Fact]
    public async Task Of_many_parallel_create_only_writers_exactly_one_wins()
    {
        for (var round = 0; round < 10; round++)
        {
            var key = $"race/{round}/out.mp4";
            var start = new TaskCompletionSource();
            var writers = Enumerable.Range(0, 16).Select(async i =>
            {
                await start.Task;
                await Task.Yield();
                try
                {
                    return (i, Info: (ObjectInfo?)await Put(key, $"writer {i}", new PutOptions(IfNoneMatch: true)));
                }
                catch (ObjectStoreException e) when (e.Error == ObjectStoreError.PreconditionFailed)
                {
                    return (i, Info: (ObjectInfo?)null);
                }
            }).ToList();
            start.SetResult();
            var winner = (await Task.WhenAll(writers)).Where(r => r.Info is not null).ShouldHaveSingleItem();
            (await Get(key)).ShouldBe($"writer {winner.i}");
            (await Store.HeadAsync(key, default))!.Sha256.ShouldBe(Sha256($"writer {winner.i}"));
        }
    }

    [Fact]
    public async Task A_named_digest_is_checked()
    {
        await Put("checked", "right", new PutOptions(Sha256: Sha256("right").ToUpperInvariant()));
        (await Error(() => Put("wrong", "wrong", new PutOptions(Sha256: Sha256("right"))))).ShouldBe(ObjectStoreError.ChecksumMismatch);
        (await Store.HeadAsync("wrong", default)).ShouldBeNull();
    }

    [Fact]
    public async Task More_bytes_than_allowed_are_refused_and_nothing_is_left()
    {
        await Put("fits", "12345", new PutOptions(MaxBytes: 5));
        (await Error(() => Put("large", "123456", new PutOptions(MaxBytes: 5)))).ShouldBe(ObjectStoreError.TooLarge);
        (await Store.HeadAsync("large", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_source_that_breaks_off_leaves_no_object()
    {
        await Should.ThrowAsync<InvalidOperationException>(() => Store.PutAsync("broken", new BreakingStream(), new PutOptions(), default));
        (await Store.HeadAsync("broken", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_copy_has_bytes_digest_and_type()
    {
        await Put("from", "bytes", new PutOptions(ContentType: "video/mp4"));
        var copy = await Store.CopyAsync("from", "deep/to", ifNoneMatch: true, default);
        (await Get("deep/to")).ShouldBe("bytes");
        (copy.Sha256, copy.ContentType).ShouldBe((Sha256("bytes"), "video/mp4"));
        (await Error(() => Store.CopyAsync("from", "deep/to", ifNoneMatch: true, default))).ShouldBe(ObjectStoreError.PreconditionFailed);
        await Store.CopyAsync("from", "deep/to", ifNoneMatch: false, default);
    }

    [Fact]
    public async Task Deleting_frees_the_key()
    {
        await Put("gone/soon", "x", new PutOptions(IfNoneMatch: true));
        await Store.DeleteAsync("gone/soon", default);
        (await Store.HeadAsync("gone/soon", default)).ShouldBeNull();
        await Put("gone/soon", "y", new PutOptions(IfNoneMatch: true));
        await Store.DeleteAsync("gone/soon", default);
        await Put("gone", "now an object where a folder was");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public async Task A_listing_is_in_byte_order_whatever_the_page_size(int page)
    {
        string[] keys = ["a-b", "a.b", "a/b", "a/c/d", "a0", "b", "é", "日本", "\U0001F3AC/clip", "\uFFFD"];
        foreach (var key in keys)
            await Put(key, key);
        var expected = keys.OrderBy(Encoding.UTF8.GetBytes, Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)));
        (await Keys(new ListRequest(MaxKeys: page))).ShouldBe(expected);
    }

    [Theory]
    [InlineData("", "top", "in/", "out/")]
    [InlineData("in/", "in/x", "in/deep/", null)]
    [InlineData("in", null, "in/", null)]
    [InlineData("o", null, "out/", null)]
    [InlineData("none/", null, null, null)]
    public async Task A_delimiter_folds_what_lies_deeper(string prefix, string? key, string? folder, string? folder2)
    {
        foreach (var each in (string[])["top", "in/x", "in/deep/1", "in/deep/2", "out/1"])
            await Put(each, "x");
        foreach (var size in (int[])[1, 1000])
            (await Keys(new ListRequest(prefix, "/", MaxKeys: size))).ShouldBe(((string?[])[key, folder, folder2]).OfType<string>(), ignoreOrder: true);
    }

    [Fact]
    public async Task A_prefix_may_end_inside_a_name()
    {
        foreach (var key in (string[])["inputs/a", "inputs/b", "input", "other"])
            await Put(key, "x");
        (await Keys(new ListRequest("inp"))).ShouldBe(["input", "inputs/a", "inputs/b"]);
        (await Keys(new ListRequest("inputs/b"))).ShouldBe(["inputs/b"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/absolute")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("../../etc/passwd")]
    [InlineData("a/./b")]
    [InlineData("a\\b")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("a\u007fb")]
    [InlineData("a\u0085b")]
    [InlineData("x.framelease-meta")]
    public async Task A_key_that_breaks_the_rules_is_refused_by_every_method(string key)
    {
        (await Error(() => Put(key, "x"))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Error(() => Store.GetAsync(key, null, default))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Error(() => Store.HeadAsync(key, default))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Error(() => Store.DeleteAsync(key, default))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Error(() => Store.CopyAsync(key, "b", false, default))).ShouldBe(ObjectStoreError.InvalidKey);
        Should.Throw<ObjectStoreException>(() => Store.PresignGet(key, TimeSpan.FromMinutes(1))).Error.ShouldBe(ObjectStoreError.InvalidKey);
    }

    // half a surrogate pair cannot travel in an attribute
    [Fact]
    public async Task A_key_that_is_not_valid_Unicode_is_refused() =>
        (await Error(() => Put("a\ud83c", "x"))).ShouldBe(ObjectStoreError.InvalidKey);

    [Fact]
    public async Task The_longest_key_works_and_one_byte_more_does_not()
    {
        var segment = new string('s', 199) + "/";
        var longest = string.Concat(Enumerable.Repeat(segment, 5)) + new string('k', ObjectKey.MaxBytes - (5 * 200));
        await Put(longest, "x");
        (await Get(longest)).ShouldBe("x");
        (await Error(() => Put(longest + "k", "x"))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Error(() => Put(new string('s', ObjectKey.MaxSegmentBytes + 1), "x"))).ShouldBe(ObjectStoreError.InvalidKey);
        await Put(new string('s', ObjectKey.MaxSegmentBytes), "x");
    }

    [Theory]
    [InlineData("with space & ampersand?.mp4")]
    [InlineData("percent%2Fencoded%00.mp4")]
    [InlineData("plus+hash#semicolon;.mp4")]
    [InlineData("日本/ümlaut.mp4")]
    public async Task Odd_but_valid_names_are_kept(string key)
    {
        await Put(key, "odd");
        (await Get(key)).ShouldBe("odd");
        (await Keys(new ListRequest())).ShouldContain(key);
        (await Store.HeadAsync(key, default))!.Key.ShouldBe(key);
    }

    sealed class BreakingStream : MemoryStream
    {
        int _reads;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_reads++ > 0)
                throw new InvalidOperationException("connection lost");
            buffer.Span[..10].Fill(1);
            return ValueTask.FromResult(10);
        }
    }
}
