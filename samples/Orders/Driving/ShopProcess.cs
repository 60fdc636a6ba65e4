using System.Diagnostics;

namespace Orders.Driving;

/// <summary>A service of the shop, through all its lives: a process that is started again whenever it is killed. Any thread may ask where
/// it is.</summary>
/// <param name="number">The number of the service, from one.</param>
/// <param name="store">The connection string. It stands in the environment of the process, because it has a password, and other users of
/// the machine can read command lines.</param>
/// <param name="arguments">The command line.</param>
internal sealed class ShopProcess(int number, string store, IReadOnlyList<string> arguments) : IDisposable
{
    private readonly Lock sync = new();
    private readonly ServiceErrors errors = new();
    private Life? life;                              // null before it was started

    /// <summary>The last lines of its error output, of all its lives: its log.</summary>
    public IEnumerable<string> Log => errors.Last.Select(line => $"service {number}: {line}");

    private Life Present
    {
        get
        {
            lock (sync) return life!;
        }
    }

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
        ParentProcess.EndWithThisOne(start);
        lock (sync) life = new(Process.Start(start)!, number, errors);
    }

    /// <summary>Where it listens, when it does.</summary>
    /// <exception cref="IOException">It was killed before it listened.</exception>
    /// <exception cref="ServiceEndedException">It has ended by itself before it listened.</exception>
    public Task<Uri> FindAsync(CancellationToken cancellation) => Present.Address.WaitAsync(cancellation);

    /// <summary>Fails if it has ended by itself.</summary>
    /// <exception cref="ServiceEndedException">It has ended.</exception>
    public void CheckAlive() => Present.CheckAlive();

    /// <summary>Ends it at once, as <c>kill -9</c> does, and starts it again.</summary>
    /// <exception cref="ServiceEndedException">It had ended by itself before.</exception>
    public async Task KillAndStartAsync()
    {
        Life old = Present;
        await old.KillAsync();
        Start();
        old.Process.Dispose();
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
    /// <exception cref="ServiceEndedException">It had ended by itself before.</exception>
    public async Task<int> TerminateAsync(CancellationToken cancellation)
    {
        await SignalAsync("-TERM");
        await Present.Process.WaitForExitAsync(cancellation);
        return Present.Process.ExitCode;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (life is not { Process: { } last }) return;
        if (!last.HasExited) last.Kill();
        last.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        CheckAlive();
        using Process kill = Process.Start("kill", [signal, $"{Present.Process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>One of its processes.</summary>
    private sealed class Life
    {
        private const int Killed = 137;              // 128 and the number of SIGKILL
        private readonly int number;
        private readonly Task<string> errors;
        private volatile bool isKilled;

        public Life(Process process, int number, ServiceErrors errors)
        {
            (Process, this.number, this.errors) = (process, number, errors.ReadAsync(process.StandardError));
            Address = ReadAddressAsync();
        }

        public Process Process { get; }

        public Task<Uri> Address { get; }

        public void CheckAlive()
        {
            if (Process.HasExited && !isKilled) throw Ended();       // in this order: it is marked before it is killed
        }

        public async Task KillAsync()
        {
            CheckAlive();
            isKilled = true;
            Process.Kill();
            await Process.WaitForExitAsync();
            if (Process.ExitCode != Killed) throw Ended();           // in the moment before
        }

        private ServiceEndedException Ended() => new($"service {number} ended by itself, with exit code {Process.ExitCode}");

        private async Task<Uri> ReadAddressAsync()
        {
            while (await Process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (!line.StartsWith("listening ", StringComparison.Ordinal)) continue;
                _ = Process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);      // a full pipe would hold it up
                return new(line.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)[1]);
            }
            string said = await errors;
            throw isKilled ? new IOException("The service was killed.") : new ServiceEndedException(said);
        }
    }
}

/// <summary>A service has ended by itself.</summary>
internal sealed class ServiceEndedException(string message) : Exception(message);
