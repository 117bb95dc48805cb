using System.Runtime.InteropServices;

namespace Framelease.Cli.Leases;

/// <summary>Signals to this program that are meant for its command.</summary>
static class SignalSource
{
    const int Interrupt = 2;

    static readonly (PosixSignal Signal, int Number)[] Forwarded =
        [(PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, Interrupt), (PosixSignal.SIGQUIT, 3), (PosixSignal.SIGTERM, 15)];

    /// <summary>Calls with the number of each signal, which then does not end this program.</summary>
    public static IDisposable Listen(Action<int> heard)
    {
        var all = Array.ConvertAll(Forwarded, f => PosixSignalRegistration.Create(f.Signal, context =>
        {
            context.Cancel = true;
            heard(f.Number);
        }));
        return new Registrations(all);
    }

    /// <summary>
    /// Whether the command got it already: Ctrl-C goes to everything in the terminal's foreground, and a second one would mean something else
    /// to many programs.
    /// </summary>
    public static bool ReachedTheCommand(int number) => number is Interrupt or 3 && IsInForeground();

    static bool IsInForeground()
    {
        try
        {
            var stat = File.ReadAllText("/proc/self/stat");
            // After the name in parentheses: state, parent, process group, session, terminal, the terminal's foreground group.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[2] == fields[5];
        }
        catch (IOException)
        {
            return false;
        }
    }

    sealed class Registrations(PosixSignalRegistration[] all) : IDisposable
    {
        public void Dispose()
        {
            foreach (var registration in all)
                registration.Dispose();
        }
    }
}
