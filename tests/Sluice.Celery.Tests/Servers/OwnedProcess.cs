using System.Diagnostics;
using System.Globalization;

namespace Sluice.Celery.Tests;

/// <summary>
/// A process with a group of its own. It and all its children also end if this process is killed: a shell beside it kills the group when
/// the input of the shell is closed.
/// </summary>
internal sealed class OwnedProcess : IAsyncDisposable
{
    private const string Shell = """
        exec 3<&0
        setsid "$@" </dev/null & main=$!
        echo "pid $main"
        { cat <&3; kill -9 -$main; } >/dev/null 2>&1 & watch=$!
        wait $main
        echo "ended with $?"
        kill $watch
        """;

    private readonly Lock sync = new();
    private readonly List<string> lines = [];
    private readonly SemaphoreSlim news = new(0);
    private readonly Process shell;
    private readonly Task reading;
    private volatile bool hasEnded;

    private OwnedProcess(Process shell)
    {
        this.shell = shell;
        reading = Task.WhenAll(ReadAsync(shell.StandardOutput), ReadAsync(shell.StandardError));
        _ = EndAsync();
    }

    /// <summary>The process id, which is also that of its group.</summary>
    public int Id { get; private set; }

    /// <summary>The last lines that the process has written.</summary>
    public string Output
    {
        get
        {
            lock (sync) return string.Join('\n', lines.TakeLast(80));
        }
    }

    public static async Task<OwnedProcess> StartAsync(string directory, IReadOnlyDictionary<string, string> environment,
        params string[] command)
    {
        var start = new ProcessStartInfo("sh", ["-c", Shell, "sh", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory,
        };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        var owned = new OwnedProcess(Process.Start(start)!);
        string said = await owned.SaysAsync("pid ");
        owned.Id = int.Parse(said.AsSpan(4), CultureInfo.InvariantCulture);
        return owned;
    }

    /// <summary>Waits for a line with a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="end">The end of the line.</param>
    /// <exception cref="InvalidOperationException">The process has ended without saying it.</exception>
    /// <exception cref="TimeoutException">The process says nothing for a long time.</exception>
    public async Task<string> SaysAsync(string text, string end = "")
    {
        for (int at = 0; ;)
        {
            bool wasOver = hasEnded;
            lock (sync)
            {
                for (; at < lines.Count; at++)
                    if (lines[at].Contains(text, StringComparison.Ordinal) && lines[at].EndsWith(end, StringComparison.Ordinal))
                        return lines[at];
            }
            if (wasOver) throw new InvalidOperationException($"It has ended, and has not said \"{text}\":\n{Output}");
            if (!await news.WaitAsync(Lab.Patience, TestContext.Current.CancellationToken))
                throw new TimeoutException($"It says nothing, and has not said \"{text}\":\n{Output}");
        }
    }

    /// <summary>Kills the process and all its children.</summary>
    public async Task KillAsync()
    {
        await SignalAsync("KILL", Id, isGroup: true);
        await shell.WaitForExitAsync();
    }

    public static async Task SignalAsync(string name, int id, bool isGroup = false)
    {
        using Process kill = Process.Start(new ProcessStartInfo("kill", [$"-{name}", "--", isGroup ? $"-{id}" : $"{id}"])
        {
            RedirectStandardError = true
        })!;
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        shell.StandardInput.Close();
        await reading.WaitAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        shell.Dispose();
        news.Dispose();
    }

    private async Task EndAsync()
    {
        await reading;
        hasEnded = true;
        news.Release(1000);
    }

    private async Task ReadAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (sync) lines.Add(line);
            news.Release();
        }
    }
}
