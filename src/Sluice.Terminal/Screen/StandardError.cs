using System.Text;
using Spectre.Console;

namespace Sluice.Progress.Screen;

/// <summary>Standard error as a console, if it is a terminal. Standard output stays free for what the program puts out.</summary>
/// <remarks>
/// It is the terminal itself, whatever the program has put in place of <see cref="Console.Error"/>. It takes no lock of
/// <see cref="Console"/>.
/// </remarks>
internal sealed class StandardError(TextWriter writer) : IAnsiConsoleOutput
{
    private const int UsualWidth = 80, UsualHeight = 24;
    private const int BufferSize = 16_384;           // a picture is one write
    private const int Utf16 = 1200;

    public TextWriter Writer => writer;

    public bool IsTerminal => true;

    public int Width => Read(static () => OperatingSystem.IsWindows() ? Console.WindowWidth : UnixTerminal.Size.Width, UsualWidth);

    public int Height => Read(static () => OperatingSystem.IsWindows() ? Console.WindowHeight : UnixTerminal.Size.Height, UsualHeight);

    /// <summary>The board of standard error; null if it is no terminal that understands control sequences.</summary>
    public static ProgressBoard? Board()
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is "dumb" or "unknown") return null;
        if (Open() is not { } terminal) return null;
        bool isPlain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        IAnsiConsole console = AnsiConsole.Create(new()
        {
            Out = new StandardError(new StreamWriter(terminal, EncodingWithoutMark(Console.OutputEncoding), BufferSize)),
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

    private static Stream? Open()
    {
        if (OperatingSystem.IsWindows()) return Console.OpenStandardError();
        try
        {
            _ = UnixTerminal.Size;
            return new UnixTerminal();
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;                             // a system without the calls of Unix
        }
    }

    // A writer begins with the byte order mark of its encoding.
    private static Encoding EncodingWithoutMark(Encoding encoding) => encoding switch
    {
        { Preamble.IsEmpty: true } => encoding,
        { CodePage: Utf16 } => new UnicodeEncoding(bigEndian: false, byteOrderMark: false),
        _ => new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
    };

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
