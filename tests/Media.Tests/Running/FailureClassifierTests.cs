using Framelease.Media.Running;

namespace Framelease.Media.Tests.Running;

public class FailureClassifierTests
{
    static readonly RunLimits Limits = new(CpuSeconds: 10, MemoryBytes: 1 << 30, OutputBytes: 1000);

    static MediaFailure? Classify(int exit, string log = "", double cpu = 1, long bytes = 10, bool stopped = false, RunLimits? limits = null) =>
        FailureClassifier.Classify(new EndOfRun(exit, stopped, TimeSpan.FromSeconds(cpu), bytes, log, limits ?? Limits)).Failure;

    [Fact]
    public void Exit_zero_is_success() => Classify(0).ShouldBeNull();

    [Fact]
    public void Exit_zero_with_an_output_at_its_limit_is_a_cut_output() => Classify(0, bytes: 1000).ShouldBe(MediaFailure.OutputLimit);

    [Theory]
    [InlineData(1, "av_interleaved_write_frame(): No space left on device", MediaFailure.NoSpace)]
    [InlineData(1, "av_interleaved_write_frame(): File too large", MediaFailure.OutputLimit)]
    [InlineData(153, "", MediaFailure.OutputLimit)]
    [InlineData(1, "x264 [error]: malloc of size 3325760 failed", MediaFailure.OutOfMemory)]
    [InlineData(1, "Cannot allocate memory", MediaFailure.OutOfMemory)]
    [InlineData(137, "", MediaFailure.OutOfMemory)]
    [InlineData(127, "error while loading shared libraries: libvpx.so.7: failed to map segment from shared object", MediaFailure.OutOfMemory)]
    [InlineData(152, "", MediaFailure.CpuLimit)]
    [InlineData(1, "Unknown encoder 'libx265'", MediaFailure.EncoderMissing)]
    [InlineData(1, "[h264_nvenc] Cannot load libcuda.so.1", MediaFailure.Gpu)]
    [InlineData(1, "[h264_nvenc] OpenEncodeSessionEx failed: out of memory (10)", MediaFailure.OutOfMemory)]
    [InlineData(1, "file:/in: Invalid data found when processing input", MediaFailure.Unreadable)]
    [InlineData(139, "", MediaFailure.Failed)]
    [InlineData(1, "Conversion failed!", MediaFailure.Failed)]
    public void Code_and_log_give_the_category(int exit, string log, MediaFailure failure) => Classify(exit, log).ShouldBe(failure);

    [Theory]
    [InlineData(255, 9.7, MediaFailure.CpuLimit)]
    [InlineData(137, 14.9, MediaFailure.CpuLimit)]
    [InlineData(123, 12.1, MediaFailure.CpuLimit)]
    [InlineData(255, 3, MediaFailure.Failed)]
    public void A_signal_at_the_cpu_limit_is_the_cpu_limit(int exit, double cpu, MediaFailure failure) => Classify(exit, cpu: cpu).ShouldBe(failure);

    [Fact]
    public void A_stopped_run_is_not_blamed_on_anything_else() => Classify(137, "No space left on device", stopped: true).ShouldBe(MediaFailure.Failed);
}
