using System.Diagnostics;

namespace Sluice.Hosting.Tests.Telemetry;

/// <summary>
/// The service <c>tests/Sluice.WebProgram</c>, as a process that exports to a collector. It is killed at the latest with its test.
/// </summary>
internal sealed class Service : IDisposable
{
    private readonly Process process;

    public Service(string collector, IEnumerable<string> arguments)
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
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
    }

    /// <summary>Reads the next line that it prints.</summary>
    public async Task<string> LineAsync()
        => await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
            ?? throw new EndOfStreamException("The service has ended.");

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
