using System.Diagnostics;
using System.Net;

namespace Payments.Driving;

/// <summary>The server, as a process of its own.</summary>
internal sealed class ServerProcess : IDisposable
{
    private const int Killed = 137;                  // 128 and the number of SIGKILL

    private readonly Process process;
    private readonly Task<string> errors;
    private volatile bool isKilled;

    private ServerProcess(Process process)
    {
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
        Addresses = ReadAddressesAsync();
    }

    /// <summary>Where it listens, when it does.</summary>
    public Task<Addresses> Addresses { get; }

    /// <summary>Whether it was killed: then nobody need know why it does not listen.</summary>
    public bool IsKilled => isKilled;

    /// <summary>Starts this program once more.</summary>
    public static ServerProcess Start(IEnumerable<string> arguments)
    {
        // Started as `dotnet Payments.dll` or as a program of its own.
        var own = Environment.ProcessPath!;
        string[] program = Path.GetFileNameWithoutExtension(own) == "dotnet" ? [own, Path.Combine(AppContext.BaseDirectory, "Payments.dll")]
            : [own];
        var start = new ProcessStartInfo(program[0], [.. program[1..], .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        ParentProcess.EndWithThisOne(start);
        return new ServerProcess(Process.Start(start)!);
    }

    /// <summary>Fails if it has ended by itself.</summary>
    /// <exception cref="ServerEndedException">It has ended.</exception>
    public async Task CheckAliveAsync()
    {
        if (process.HasExited && !IsKilled) throw await EndedAsync();
    }

    /// <summary>Ends it at once, as <c>kill -9</c> does.</summary>
    /// <exception cref="ServerEndedException">It had ended by itself before.</exception>
    public async Task KillAsync()
    {
        await CheckAliveAsync();
        isKilled = true;                             // before the kill: CheckAliveAsync looks at the process first
        process.Kill();
        await process.WaitForExitAsync();
        if (process.ExitCode != Killed) throw await EndedAsync();           // in the moment before
    }

    /// <summary>Asks it to end.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="ServerEndedException">It had ended by itself before.</exception>
    public async Task<int> TerminateAsync(CancellationToken cancellation)
    {
        await CheckAliveAsync();
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) await kill.WaitForExitAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }

    private async Task<ServerEndedException> EndedAsync()
    {
        await process.WaitForExitAsync();
        string? last = (await errors).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault();
        return new($"the server ended by itself, with exit code {process.ExitCode}{(last is null ? "" : $": {last}")}")
        { HasListened = Addresses.IsCompletedSuccessfully };
    }

    private async Task<Addresses> ReadAddressesAsync()
    {
        IPEndPoint? tcp = null;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("tcp ", StringComparison.Ordinal)) tcp = IPEndPoint.Parse(line[4..].Trim());
            if (!line.StartsWith("listening ", StringComparison.Ordinal)) continue;
            return new Addresses(new Uri(line.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)[1]), tcp!);
        }

        throw new ServerEndedException((await errors).Trim());
    }
}

/// <summary>Where a server listens.</summary>
internal sealed record Addresses(Uri Http, IPEndPoint Tcp);

/// <summary>The server has ended by itself.</summary>
internal sealed class ServerEndedException(string message) : Exception(message)
{
    /// <summary>Whether it had listened before.</summary>
    public bool HasListened { get; init; }
}
