using System.Diagnostics;
using System.Text;

namespace Sluice.Hosting.Tests.Telemetry;

/// <summary>
/// The service <c>tests/Sluice.WebProgram</c>, as a process that exports to a collector. It is killed at the latest with its test.
/// </summary>
internal sealed class ServiceProcess : IDisposable
{
    /// <summary>Less than the limit of a test.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly Process process;
    private readonly Task limit = Task.Delay(Patience, TestContext.Current.CancellationToken);
    private readonly StringBuilder errors = new();   // locked by itself

    public ServiceProcess(string collector, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Sluice.WebProgram.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector;
        start.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        process = Process.Start(start)!;
        process.ErrorDataReceived += (_, said) => { lock (errors) errors.AppendLine(said.Data); };
        process.BeginErrorReadLine();
    }

    /// <summary>Reads the next line that it prints. A failure says what it has written to standard error.</summary>
    public async Task<string> LineAsync()
    {
        Task<string?> line = process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
        if (await Task.WhenAny(line, limit) == line && await line is { } said) return said;
        lock (errors) throw new EndOfStreamException($"The service has {(line.IsCompleted ? "ended" : "not written a line")}: {errors}");
    }

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }
}
