using System.Collections.Concurrent;
using System.Diagnostics;
using Sluice.Programs;

namespace Sluice.Torture.Tests.Members;

/// <summary>A process that runs a consecutor until it is killed or asked to end. It also ends when this process is gone.</summary>
internal sealed class MemberProcess : IDisposable
{
    private readonly Process process;
    private readonly Task<string> errors;
    private readonly ConcurrentQueue<string> starts = new();
    private readonly Task reading;

    public MemberProcess(MemberSetup setup)
    {
        process = Process.Start(new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                [Path.Combine(AppContext.BaseDirectory, "Sluice.Programs.dll"), "consecutor", "member", setup.ToString()])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_DbgEnableMiniDump"] = "0", ["DOTNET_TieredPGO"] = "0" },
        })!;
        Name = setup.Name;
        errors = process.StandardError.ReadToEndAsync();
        reading = ReadAsync();
        Ended = process.WaitForExitAsync();
    }

    public string Name { get; }

    public Task Ended { get; }

    /// <summary>The items that it has started, each with its attempt.</summary>
    public IReadOnlyCollection<string> Starts => starts;

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await Ended;
    }

    /// <summary>Stops the process where it is (SIGSTOP), or lets it go on (SIGCONT).</summary>
    public async Task SignalAsync(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Asks the process to end, and waits for its end.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        int code = await EndAsync(cancellation);
        Assert.True(code == 0, $"{Name} has ended with {code}: {await errors}");
    }

    /// <summary>Asks the process to end. It may die before that.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> EndAsync(CancellationToken cancellation)
    {
        process.StandardInput.Close();
        await Ended.WaitAsync(cancellation);
        await reading.WaitAsync(cancellation);
        return process.ExitCode;
    }

    /// <summary>The error output of an ended process.</summary>
    public Task<string> SaidAsync() => errors;

    public void Dispose()
    {
        process.Kill();
        process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
            if (line != "ready") starts.Enqueue(line);
    }
}
