using System.Diagnostics;

namespace Files.Driving;

/// <summary>What a service complains of: passed on while it is at work; before that, it is why it could not be started.</summary>
internal sealed class ServiceErrors
{
    private const string Prefix = "files: ";
    private readonly Task<string> last;
    private volatile bool isReady;

    public ServiceErrors(Process process, string role) => last = ReadAsync(process.StandardError, role);

    /// <summary>Whether it is at work.</summary>
    public bool IsReady
    {
        get => isReady;
        set => isReady = value;
    }

    /// <summary>The last line that it has said, when it has ended.</summary>
    public Task<string> TextAsync() => last;

    private async Task<string> ReadAsync(StreamReader errors, string role)
    {
        string text = "it did not say why";
        while (await errors.ReadLineAsync() is { } line)
        {
            if (isReady) await Console.Error.WriteLineAsync($"{role}: {line}");
            if (line.Length > 0) text = line.StartsWith(Prefix, StringComparison.Ordinal) ? line[Prefix.Length..] : line;
        }
        return text;
    }
}
