using System.Diagnostics;

namespace Orders.Driving;

/// <summary>A service of the shop in a process of its own, started again whenever it is killed. Any thread may ask where it is.</summary>
/// <param name="store">The connection string. It stands in the environment of the process, because it has a password, and other users of
/// the machine can read command lines.</param>
/// <param name="arguments">The command line.</param>
internal sealed class ShopProcess(string store, IReadOnlyList<string> arguments) : IDisposable
{
    private readonly Lock sync = new();
    private Process? process, killed;
    private bool isStopping;
    private Task<Uri> address = Task.FromException<Uri>(new InvalidOperationException("It has not started."));

    /// <summary>Starts this program once more, with <c>--serve</c>.</summary>
    public void Start()
    {
        // Started as `dotnet Orders.dll` or as a program of its own.
        string own = Environment.ProcessPath!;
        string[] program = Path.GetFileNameWithoutExtension(own) == "dotnet" ? [own, Path.Combine(AppContext.BaseDirectory, "Orders.dll")]
            : [own];
        var start = new ProcessStartInfo(program[0], [.. program[1..], .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[Options.StoreVariable] = store;
        lock (sync)
        {
            process = Process.Start(start)!;
            address = ReadAddressAsync(process);
        }
    }

    /// <summary>Where it listens, when it does.</summary>
    /// <exception cref="IOException">It was killed before it listened.</exception>
    /// <exception cref="ServiceEndedException">It has ended by itself before it listened.</exception>
    public Task<Uri> FindAsync(CancellationToken cancellation)
    {
        lock (sync) return address.WaitAsync(cancellation);
    }

    /// <summary>Ends it at once, as <c>kill -9</c> does, and starts it again.</summary>
    public async Task KillAndStartAsync()
    {
        Process old = process!;
        killed = old;
        old.Kill();
        await old.WaitForExitAsync();
        Start();
        old.Dispose();
    }

    /// <summary>Freezes it for a time. It believes that it has its leases afterwards.</summary>
    public async Task FreezeAsync(TimeSpan duration, CancellationToken cancellation)
    {
        await SignalAsync("-STOP");
        await Task.Delay(duration, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await SignalAsync("-CONT");
    }

    /// <summary>Asks it to end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> TerminateAsync(CancellationToken cancellation)
    {
        isStopping = true;
        await SignalAsync("-TERM");
        await process!.WaitForExitAsync(cancellation);
        return process.ExitCode;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (process is null) return;
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        using Process kill = Process.Start("kill", [signal, $"{process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    private async Task<Uri> ReadAddressAsync(Process started)
    {
        Task<string> errors = started.StandardError.ReadToEndAsync();
        while (await started.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("listening ", StringComparison.Ordinal)) continue;
            _ = ReportAsync(errors);
            return new(line.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)[1]);
        }
        string said = (await errors).Trim();
        throw started == killed ? new IOException("The service was killed.") : new ServiceEndedException(said);
    }

    // What it has said on its own is shown if it ends in order: warnings are part of what one wants to see.
    private async Task ReportAsync(Task<string> errors)
    {
        string said = (await errors).Trim();
        if (isStopping && said.Length > 0) Console.Error.WriteLine(said);
    }
}

/// <summary>A service has ended before it listened.</summary>
internal sealed class ServiceEndedException(string errors) : Exception(errors);
