using System.Diagnostics;
using System.Text.Json;

namespace Sluice.FlowTorture;

/// <summary>The process of a service, until it is killed or asked to end. It ends by itself when this process has gone: its input ends
/// then.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private readonly Process process;
    private readonly Task<string> errors;

    public ServiceProcess(ServiceOptions options)
    {
        string program = Environment.ProcessPath!;
        string[] own = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(ServiceProcess).Assembly.Location] : [];
        process = Process.Start(new ProcessStartInfo(program, [.. own, "--service", JsonSerializer.Serialize(options)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_DbgEnableMiniDump"] = "0" },
        })!;
        Id = process.Id;
        errors = process.StandardError.ReadToEndAsync();
        Ready = ReadyAsync();
        Ended = process.WaitForExitAsync();
    }

    /// <summary>Ends when it hosts, or has gone.</summary>
    public Task Ready { get; }

    public Task Ended { get; }

    public int Id { get; }

    /// <summary>SIGKILL.</summary>
    public async Task<string> KillAsync()
    {
        process.Kill();
        await Ended;
        return await errors;
    }

    /// <summary>Asks it to end, and waits until it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> EndAsync(CancellationToken cancellation)
    {
        process.StandardInput.Close();
        await Ended.WaitAsync(cancellation);
        return process.ExitCode;
    }

    /// <summary>What it has warned of; when it has ended.</summary>
    public Task<string> SaidAsync() => errors;

    public void Dispose() => process.Dispose();

    private async Task ReadyAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
            if (line == ServiceLife.Ready) return;
    }
}
