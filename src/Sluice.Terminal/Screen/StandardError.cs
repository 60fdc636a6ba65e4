using System.Text;
using Spectre.Console;

namespace Sluice.Progress.Screen;

/// <summary>Standard error as a console, if it is a terminal. Standard output stays free for what the program puts out.</summary>
internal sealed class StandardError(TextWriter writer) : IAnsiConsoleOutput
{
    private const int UsualWidth = 80, UsualHeight = 24;

    public TextWriter Writer => writer;

    public bool IsTerminal => true;

    public int Width => Read(static () => Console.WindowWidth, UsualWidth);

    public int Height => Read(static () => Console.WindowHeight, UsualHeight);

    /// <summary>The board of standard error; null if it is no terminal that understands control sequences.</summary>
    public static ProgressBoard? Board()
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is "dumb" or "unknown") return null;
        bool isPlain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        IAnsiConsole console = AnsiConsole.Create(new()
        {
            Out = new StandardError(Console.Error),
            Ansi = OperatingSystem.IsWindows() ? AnsiSupport.Detect : AnsiSupport.Yes,
            ColorSystem = isPlain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
        });
        return console.Profile.Capabilities.Ansi ? new(console, new()) : null;
    }

    public void SetEncoding(Encoding encoding)
    {
        // The encoding of the program's console stays.
    }

    private static int Read(Func<int> size, int otherwise)
    {
        try
        {
            return size() is > 0 and var found ? found : otherwise;
        }
        catch (Exception unknown) when (unknown is IOException or PlatformNotSupportedException)
        {
            return otherwise;                        // a terminal that does not tell its size
        }
    }
}
