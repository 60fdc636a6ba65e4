using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>This program once more, as a reader or a member: it answers each line with a number.</summary>
internal sealed class ReaderProcess : IDisposable
{
    private readonly Process process;

    private ReaderProcess(Process process) => this.process = process;

    /// <summary>Starts it, and waits until it listens.</summary>
    public static async Task<ReaderProcess> StartAsync(params string[] arguments)
    {
        string program = Environment.ProcessPath!;
        string[] own = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        Process started = Process.Start(new ProcessStartInfo(program, [.. own, .. arguments])
        { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await started.StandardOutput.ReadLineAsync();
        return new(started);
    }

    /// <summary>Tells it what to read.</summary>
    public Task BeginAsync(string line) => process.StandardInput.WriteLineAsync(line);

    /// <summary>Its answer, in nanoseconds.</summary>
    public async Task<double> EndAsync() => await AnswerAsync() * 1e9 / Stopwatch.Frequency;

    /// <summary>Its answer, as it is.</summary>
    public async Task<double> AnswerAsync()
        => double.Parse((await process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
