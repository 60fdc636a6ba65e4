using System.Diagnostics;
using System.Net;

namespace Payments.Driving;

/// <summary>The server, as a process of its own.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process process;
    private readonly Task<string> errors;

    private ServerProcess(Process process)
    {
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
        Addresses = ReadAddressesAsync();
    }

    /// <summary>Where it listens, when it does.</summary>
    public Task<Addresses> Addresses { get; }

    /// <summary>Whether it was killed: then nobody need know why it does not listen.</summary>
    public bool IsKilled { get; private set; }

    /// <summary>Starts this program once more.</summary>
    public static ServerProcess Start(IEnumerable<string> arguments)
    {
        // Started as `dotnet Payments.dll` or as a program of its own.
        var own = Environment.ProcessPath!;
        string[] program = Path.GetFileNameWithoutExtension(own) == "dotnet" ? [own, Path.Combine(AppContext.BaseDirectory, "Payments.dll")]
            : [own];
        return new ServerProcess(Process.Start(new ProcessStartInfo(program[0],
            [.. program[1..], .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true })!);
    }

    /// <summary>Ends it at once, as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        IsKilled = true;
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Asks it to end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> TerminateAsync(CancellationToken cancellation)
    {
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

/// <summary>The server has ended before it listened.</summary>
internal sealed class ServerEndedException(string errors) : Exception(errors);
