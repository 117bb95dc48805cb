using System.Diagnostics;
using Framelease.ObjectStorage.Directories;
using Framelease.ObjectStorage.Presigning;
using Framelease.ObjectStorage.Tests.Support;

namespace Framelease.ObjectStorage.Tests.Directories;

public sealed class DirectoryObjectStoreTests : ObjectStoreContract, IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("framelease-objects-").FullName;
    readonly ManualTime _time = new(DateTimeOffset.UtcNow);
    readonly DirectoryObjectStore _store;

    public DirectoryObjectStoreTests() => _store = Open(_folder);

    protected override IObjectStore Store => _store;

    DirectoryObjectStore Open(string folder) => new(
        folder, new PresignedUrls(() => new Uri("http://127.0.0.1:1/objects/v1/"), [new byte[32]], _time), _time, Guid.NewGuid);

    string ObjectFile(string key) => Path.Combine(_folder, "objects", key);

    string[] Temporary() => Directory.GetFiles(Path.Combine(_folder, "tmp"));

    [Fact]
    public async Task Objects_lie_under_their_own_names()
    {
        await Put("inputs/clip one.mp4", "bytes");
        File.ReadAllText(ObjectFile("inputs/clip one.mp4")).ShouldBe("bytes");
        _store.UriOf("inputs/clip one.mp4").AbsoluteUri.ShouldBe($"file://{_folder}/objects/inputs/clip%20one.mp4");
        Temporary().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_second_store_on_the_same_folder_sees_everything()
    {
        var put = await Put("a", "bytes", new PutOptions(ContentType: "x/y"));
        (await Open(_folder).HeadAsync("a", default)).ShouldBe(put);
    }

    [Fact]
    public async Task A_file_put_there_by_hand_is_an_object()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "objects", "inputs"));
        File.WriteAllText(ObjectFile("inputs/mine.mp4"), "by hand");
        var info = await Store.HeadAsync("inputs/mine.mp4", default);
        info!.Sha256.ShouldBe(Sha256("by hand"));
        info.ContentType.ShouldBe("video/mp4");
        (await Get("inputs/mine.mp4")).ShouldBe("by hand");
    }

    [Fact]
    public async Task A_digest_is_kept_only_for_the_very_bytes_it_was_computed_from()
    {
        await Put("a", "before");
        File.WriteAllText(ObjectFile("a"), "AFTER!"); // same length: a crash between object and sidecar looks like this
        (await Store.HeadAsync("a", default))!.Sha256.ShouldBe(Sha256("AFTER!"));
        _time.Advance(TimeSpan.FromMinutes(5));
        (await Store.HeadAsync("a", default))!.Sha256.ShouldBe(Sha256("AFTER!"));
        (await Store.HeadAsync("a", default))!.Sha256.ShouldBe(Sha256("AFTER!"));
    }

    [Fact]
    public async Task A_lost_or_broken_sidecar_is_made_again()
    {
        await Put("a", "bytes");
        var sidecar = Directory.GetFiles(Path.Combine(_folder, "meta")).ShouldHaveSingleItem();
        File.WriteAllText(sidecar, "{ broken");
        (await Store.HeadAsync("a", default))!.Sha256.ShouldBe(Sha256("bytes"));
        File.Delete(sidecar);
        _time.Advance(TimeSpan.FromMinutes(5));
        (await Store.HeadAsync("a", default))!.Sha256.ShouldBe(Sha256("bytes"));
        File.Exists(sidecar).ShouldBeTrue();
    }

    [Fact]
    public async Task What_a_crashed_writer_left_is_no_object_and_is_swept()
    {
        await Put("a", "x");
        var left = Path.Combine(_folder, "tmp", "deadbeef.part");
        File.WriteAllText(left, "half");
        (await Store.ListAsync(new ListRequest(), default)).Objects.ShouldHaveSingleItem().Key.ShouldBe("a");
        (await _store.SweepTemporaryAsync(TimeSpan.FromMinutes(1), default)).ShouldBe(0); // too young
        _time.Advance(TimeSpan.FromMinutes(2));
        (await _store.SweepTemporaryAsync(TimeSpan.FromMinutes(1), default)).ShouldBe(1);
        File.Exists(left).ShouldBeFalse();
    }

    [Fact]
    public async Task A_writer_that_lives_is_not_swept_however_slow()
    {
        var source = new GatedStream();
        var put = Store.PutAsync("slow", source, new PutOptions(), default);
        await source.Reached.Task;
        _time.Advance(TimeSpan.FromDays(3));
        (await Open(_folder).SweepTemporaryAsync(TimeSpan.FromMinutes(1), default)).ShouldBe(0);
        source.Gate.SetResult();
        await put;
        (await Get("slow")).ShouldBe("end");
    }

    [Fact]
    public async Task A_link_inside_the_store_is_not_followed()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "objects", "in"));
        File.CreateSymbolicLink(ObjectFile("in/passwd"), "/etc/passwd");
        Directory.CreateSymbolicLink(ObjectFile("etc"), "/etc");
        foreach (var key in (string[])["in/passwd", "etc/passwd", "etc/new"])
        {
            (await Error(() => Store.GetAsync(key, null, default))).ShouldBe(ObjectStoreError.AccessDenied);
            (await Error(() => Put(key, "x"))).ShouldBe(ObjectStoreError.AccessDenied);
            (await Error(() => Store.DeleteAsync(key, default))).ShouldBe(ObjectStoreError.AccessDenied);
        }

        (await Store.ListAsync(new ListRequest(), default)).Objects.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_below_an_object_is_refused_with_the_reason()
    {
        await Put("a", "object");
        (await Error(() => Put("a/b", "x"))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Error(() => Put("a/b/c", "x", new PutOptions(IfNoneMatch: true)))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Store.HeadAsync("a/b", default)).ShouldBeNull();
        await Store.DeleteAsync("a/b", default);
        await Put("f/b", "x");
        (await Error(() => Put("f", "x"))).ShouldBe(ObjectStoreError.InvalidKey);
        (await Error(() => Put("f", "x", new PutOptions(IfNoneMatch: true)))).ShouldBe(ObjectStoreError.InvalidKey);
        Temporary().ShouldBeEmpty();
    }

    [Fact]
    public async Task Deleting_removes_emptied_folders_and_the_sidecar()
    {
        await Put("a/b/c", "x");
        await Put("a/d", "x");
        await Store.DeleteAsync("a/b/c", default);
        Directory.Exists(ObjectFile("a/b")).ShouldBeFalse();
        await Store.DeleteAsync("a/d", default);
        Directory.GetFileSystemEntries(Path.Combine(_folder, "objects")).ShouldBeEmpty();
        Directory.GetFileSystemEntries(Path.Combine(_folder, "meta")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Puts_and_deletes_in_one_folder_do_not_trip_over_each_other()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var works = Enumerable.Range(0, 8).Select(async i =>
        {
            for (var n = 0; n < 40; n++)
            {
                await Task.Yield();
                await Put($"shared/folder/{i}", $"{n}");
                await Store.DeleteAsync($"shared/folder/{i}", default);
            }
        });
        await Task.WhenAll(works.OrderBy(_ => random.Next()).ToList()).WaitAsync(TimeSpan.FromMinutes(1));
        (await Store.ListAsync(new ListRequest(), default)).Objects.ShouldBeEmpty($"seed {seed}");
    }

    [RootFact]
    public async Task A_full_disk_is_named_and_leaves_nothing()
    {
        var mount = Directory.CreateDirectory(Path.Combine(_folder, "small")).FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount);
        try
        {
            var small = Open(mount);
            await small.PutAsync("fits", Bytes("x"), new PutOptions(), default);
            var error = await Should.ThrowAsync<ObjectStoreException>(() => small.PutAsync("large", new MemoryStream(new byte[1 << 20]), new PutOptions(), default));
            error.Error.ShouldBe(ObjectStoreError.NoSpace);
            error.Message.ShouldContain("full");
            (await small.HeadAsync("large", default)).ShouldBeNull();
            Directory.GetFiles(Path.Combine(mount, "tmp")).ShouldBeEmpty();
            await small.PutAsync("fits-too", Bytes("x"), new PutOptions(), default);
        }
        finally
        {
            Run("umount", mount);
        }
    }

    static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        process.ExitCode.ShouldBe(0);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    sealed class GatedStream : MemoryStream
    {
        public TaskCompletionSource Reached { get; } = new();

        public TaskCompletionSource Gate { get; } = new();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Gate.Task.IsCompleted)
                return 0;
            Reached.TrySetResult();
            await Gate.Task;
            "end"u8.CopyTo(buffer.Span);
            return 3;
        }
    }
}
