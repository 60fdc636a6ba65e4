using System.Diagnostics;
using System.Globalization;

namespace Words.Extractors;

/// <summary>A server or worker that ends with this program, with all its children, also if this program is killed.</summary>
internal sealed class OwnedProcess : IDisposable
{
    // The shell kills the group of the process when its input is closed, and ends with the process.
    private const string Shell = """
        exec 2>&1 3<&0
        setsid "$@" </dev/null 3<&- & process=$!
        echo "pid $process"
        { read _ <&3; kill -9 -$process; } >/dev/null 2>&1 & watch=$!
        wait $process
        kill $watch 2>/dev/null
        """;

    private readonly Process shell;

    private OwnedProcess(Process shell, int id) => (this.shell, Id) = (shell, id);

    /// <summary>The process id, which is also that of its group.</summary>
    public int Id { get; }

    /// <summary>Starts it, and waits until a line of its output has a text.</summary>
    /// <exception cref="IOException">It has ended without saying so; the message has its last lines.</exception>
    public static async Task<OwnedProcess> StartAsync(string directory, IReadOnlyDictionary<string, string> environment, string ready,
        IReadOnlyList<string> command, CancellationToken cancellation)
    {
        // Celery and Python write to standard error, Redis to standard output: here both are one.
        var start = new ProcessStartInfo("sh", ["-c", Shell, "sh", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = directory,
        };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        Process shell = Process.Start(start)!;
        var last = new Queue<string>();
        int id = 0;
        try
        {
            while (await shell.StandardOutput.ReadLineAsync(cancellation) is { } line)
            {
                if (id == 0 && line.StartsWith("pid ", StringComparison.Ordinal))
                {
                    id = int.Parse(line.AsSpan(4), CultureInfo.InvariantCulture);
                    continue;
                }
                if (line.Contains(ready, StringComparison.Ordinal))
                {
                    _ = shell.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                    return new(shell, id);
                }
                last.Enqueue(line);
                if (last.Count > 5) last.Dequeue();
            }
            throw new IOException($"{command[0]} has not started: {string.Join(" / ", last)}");
        }
        catch
        {
            new OwnedProcess(shell, id).Dispose();
            throw;
        }
    }

    /// <summary>Kills it, and all its children.</summary>
    public void Dispose()
    {
        shell.StandardInput.Close();
        shell.WaitForExit();
        shell.Dispose();
    }
}
