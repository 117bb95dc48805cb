using Microsoft.Win32.SafeHandles;

namespace Framelease.GpuWorker.Inputs;

/// <summary>The input as a local file: fetched into the scratch folder, or a user's file that is held open.</summary>
/// <param name="Path">What ffmpeg opens.</param>
/// <param name="Held">Keeps <paramref name="Path"/> valid where that is <c>/proc/…/fd/N</c>.</param>
sealed record LocalInput(string Path, long Bytes, SafeFileHandle? Held = null) : IDisposable
{
    public void Dispose() => Held?.Dispose();
}
