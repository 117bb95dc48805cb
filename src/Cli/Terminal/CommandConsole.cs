namespace Framelease.Cli.Terminal;

/// <summary>Standard output and error. Results go to output, everything about the way there to error, so that a pipe carries only results.</summary>
/// <param name="IsTerminal">A person watches output: bars and colours are welcome.</param>
/// <param name="Width">Columns of the terminal; a pipe counts as 160.</param>
sealed record CommandConsole(TextWriter Out, TextWriter Error, TextReader In, bool IsTerminal, int Width)
{
    public static CommandConsole OfProcess()
    {
        var terminal = !Console.IsOutputRedirected && System.Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        return new(Console.Out, Console.Error, Console.In, terminal, terminal ? WidthOfTerminal() : 160);
    }

    static int WidthOfTerminal()
    {
        try
        {
            return Math.Max(40, Console.WindowWidth);
        }
        catch (IOException)
        {
            return 80;
        }
    }
}
