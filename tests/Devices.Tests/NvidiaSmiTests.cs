using Framelease.GpuWorker.Tests.Support;

namespace Framelease.Devices.Tests;

/// <summary>The real code against a program that prints what nvidia-smi prints; no device is needed.</summary>
public sealed class NvidiaSmiTests
{
    static readonly CancellationToken Ct = CancellationToken.None;

    [Fact]
    public async Task A_reading_is_what_the_program_prints()
    {
        using var smi = new ScriptedSmi("echo '37, 2048, 24576, 61'");
        (await Of(smi).ReadAsync("GPU-a", Ct)).ShouldBe(new DeviceReading(37, 2048, 24576, 61));
        smi.Arguments.ShouldBe(["--id=GPU-a", "--query-gpu=utilization.gpu,memory.used,memory.total,temperature.gpu", "--format=csv,noheader,nounits"]);
    }

    [Theory]
    [InlineData("[N/A], 10, 20, [Not Supported]", null, 10L, 20L, null)]
    [InlineData("101, -1, 99999999, 500\n5, 1, 2, 3", 5, 1L, 2L, 3)]
    [InlineData("WARNING: infoROM is corrupted\n5, 1, 2, 3", 5, 1L, 2L, 3)]
    public void What_a_device_does_not_tell_is_unknown(string text, int? busy, long? used, long? total, int? warm) =>
        SmiOutput.Reading(text).ShouldBe(new DeviceReading(busy, used, total, warm));

    [Theory]
    [InlineData("")]
    [InlineData("No devices were found")]
    [InlineData("[N/A], [N/A], [N/A], [N/A]")]
    public void Where_nothing_is_told_there_is_no_reading(string text) => SmiOutput.Reading(text).ShouldBeNull();

    [Fact]
    public async Task Processes_come_with_their_memory_and_name()
    {
        using var smi = new ScriptedSmi("printf '%s\\n' '42, 512, /usr/bin/python3, really' '7, [N/A], ffmpeg' 'rubbish'");
        (await Of(smi).ProcessesAsync("GPU-a", Ct)).ShouldBe([new DeviceProcess(42, 512, "/usr/bin/python3, really"), new DeviceProcess(7, null, "ffmpeg")]);
    }

    [Theory]
    [InlineData("[N/A], [N/A], [N/A]")]
    [InlineData("42, 512, python\n[Insufficient Permissions], [N/A], [N/A]")]
    [InlineData("[Not Supported]")]
    public void A_list_of_processes_that_is_not_whole_is_none(string text) => SmiOutput.Processes(text).ShouldBeNull();

    [Fact]
    public async Task The_devices_of_a_machine_are_listed_by_index_and_notices_between_them_are_skipped()
    {
        using var smi = new ScriptedSmi(
            "printf '%s\\n' 'GPU-b, 1, NVIDIA L4, 23034' 'Warning: persistence mode is off' 'GPU-a, 0, NVIDIA H200, 143771'");
        (await Of(smi).ListAsync(Ct)).ShouldBe([new("GPU-a", 0, "NVIDIA H200", 143771, "Gpu"), new("GPU-b", 1, "NVIDIA L4", 23034, "Gpu")]);
        smi.Arguments.ShouldBe(["--query-gpu=uuid,index,name,memory.total", "--format=csv,noheader,nounits"]);
    }

    [Fact]
    public async Task What_is_wrong_with_a_devices_memory_is_told()
    {
        using var smi = new ScriptedSmi(
            "printf '%s\\n' 'GPU-a, [N/A], No, No' 'GPU-b, Yes, [N/A], [N/A]' 'GPU-c, [N/A], 2, 0' 'GPU-d, [N/A], 1, 1' 'GPU-e, -, -, -'");
        var faults = (await Of(smi).FaultsAsync(Ct))!;
        faults.Keys.ShouldBe(["GPU-b", "GPU-c", "GPU-d"], ignoreOrder: true);
        (faults["GPU-b"], faults["GPU-d"]).ShouldBe(
            ("faulty memory waits to be retired: reset the device",
                "a row of its memory could not be remapped: the device wants replacing"));
        using var old = new ScriptedSmi("echo 'Field \"remapped_rows.pending\" is not a valid field to query.'; exit 2");
        (await Of(old).FaultsAsync(Ct)).ShouldBeNull();
    }

    [Fact]
    public async Task Nobody_on_the_device_is_an_empty_list()
    {
        using var smi = new ScriptedSmi(":");
        (await Of(smi).ProcessesAsync("GPU-a", Ct))!.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_program_that_fails_or_is_missing_leaves_everything_unknown()
    {
        using var smi = new ScriptedSmi("echo '1, 2, 3, 4'; exit 9");
        (await Of(smi).ReadAsync("GPU-a", Ct)).ShouldBeNull();
        (await Of(smi).ProcessesAsync("GPU-a", Ct)).ShouldBeNull();
        (await new NvidiaSmi(TimeProvider.System, "/no/such/nvidia-smi").ReadAsync("GPU-a", Ct)).ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("-q")]
    [InlineData("GPU a")]
    [InlineData("GPU-a;reboot")]
    public async Task A_device_id_that_is_none_is_never_passed_on(string id)
    {
        using var smi = new ScriptedSmi("echo '1, 2, 3, 4'");
        (await Of(smi).ReadAsync(id, Ct)).ShouldBeNull();
        Should.Throw<FileNotFoundException>(() => smi.Arguments);
    }

    [Fact]
    public async Task A_program_that_hangs_is_killed_with_what_it_started()
    {
        using var smi = new ScriptedSmi("sleep 600 & wait");
        (await new NvidiaSmi(TimeProvider.System, smi.Program, TimeSpan.FromMilliseconds(200)).ReadAsync("GPU-a", Ct).WaitAsync(TimeSpan.FromSeconds(30)))
            .ShouldBeNull();
    }

    [Fact]
    public async Task Telemetry_is_read_beside_the_work_and_grows_stale()
    {
        var time = new ManualTime();
        var reader = new Readings { Next = new DeviceReading(1, 2, 3, 4) };
        var loop = new TelemetryLoop(reader, "GPU-a", time);
        using var stop = new CancellationTokenSource();
        var running = loop.RunAsync(stop.Token);
        loop.Current.ShouldBe(new DeviceReading(1, 2, 3, 4));
        reader.Next = null;
        time.Advance(TimeSpan.FromSeconds(29));
        loop.Current.ShouldNotBeNull();
        time.Advance(TimeSpan.FromSeconds(2));
        loop.Current.ShouldBeNull();
        await stop.CancelAsync();
        await running;
    }

    static NvidiaSmi Of(ScriptedSmi smi) => new(TimeProvider.System, smi.Program, TimeSpan.FromSeconds(30));

    sealed class Readings : IDeviceReader
    {
        public DeviceReading? Next { get; set; }

        public Task<DeviceReading?> ReadAsync(string device, CancellationToken cancellation) => Task.FromResult(Next);

        public Task<IReadOnlyList<DeviceProcess>?> ProcessesAsync(string device, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
