using System.Diagnostics;
using Files.Services;

namespace Files.Driving;

/// <summary>A service, through all its lives: a process that is started again when it dies, until it is to stop.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class Service : IAsyncDisposable
{
    private const int ManyDeaths = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ServiceArguments arguments;
    private readonly Lock sync = new();
    private readonly TaskCompletionSource firstReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? process;                        // null while there is none
    private bool isReady, isStopping;

    /// <summary>Begins to start it.</summary>
    public Service(ServiceArguments arguments)
    {
        this.arguments = arguments;
        Life = LiveAsync();
    }

    public string Role => arguments.Role;

    /// <summary>Ends when it is at work for the first time.</summary>
    public Task Ready => firstReady.Task;

    /// <summary>Ends when it was stopped; fails when it cannot be kept at work.</summary>
    public Task Life { get; }

    /// <summary>How often it was started again.</summary>
    public int Restarts { get; private set; }

    /// <summary>The most memory that one of its processes had, in bytes.</summary>
    public long PeakMemory { get; private set; }

    /// <summary>Ends its process at once, as <c>kill -9</c> does.</summary>
    /// <returns>Whether it had one that was at work.</returns>
    public bool Kill()
    {
        lock (sync)
        {
            if (process is null || !isReady) return false;
            Measure();
            process.Kill();
            process = null;
            return true;
        }
    }

    /// <summary>Ends it at once, for good.</summary>
    public void End()
    {
        lock (sync)
        {
            isStopping = true;
            process?.Kill();
        }
    }

    /// <summary>Looks how much memory it has.</summary>
    public void Measure()
    {
        lock (sync)
        {
            if (process is null || process.HasExited) return;
            process.Refresh();
            PeakMemory = Math.Max(PeakMemory, process.PeakWorkingSet64);
        }
    }

    /// <summary>Asks it to end, and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (sync)
        {
            isStopping = true;
            Measure();
            process?.StandardInput.Close();
        }
        try
        {
            await Life.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            End();
        }
        catch (ServiceFailedException)
        {
            // Whoever waits for its life is told.
        }
    }

    private async Task LiveAsync()
    {
        await Task.Yield();
        for (int deaths = 0; ; deaths++)
        {
            Process life;
            lock (sync)
            {
                if (isStopping) return;
                process = life = Begin();
            }
            using Process ended = life;
            var errors = new ServiceErrors(life, Role);
            bool wasReady = await life.StandardOutput.ReadLineAsync() == ServiceProcess.Ready;
            lock (sync) isReady = errors.IsReady = wasReady;
            if (wasReady) firstReady.TrySetResult();
            await life.WaitForExitAsync();
            lock (sync)
            {
                (process, isReady) = (null, false);
                if (isStopping) return;
            }
            if (!wasReady || deaths == ManyDeaths) throw new ServiceFailedException(
                $"The service {Role} {(wasReady ? "dies again and again" : "could not be started")}: {await errors.TextAsync()}");
            Restarts++;
        }
    }

    private Process Begin()
    {
        // Started as `dotnet Files.dll` or as a program of its own.
        string own = Environment.ProcessPath!;
        string[] program = Path.GetFileNameWithoutExtension(own) == "dotnet" ? [own, Path.Combine(AppContext.BaseDirectory, "Files.dll")]
            : [own];
        var start = new ProcessStartInfo(program[0], [.. program[1..], .. arguments.ToArguments()])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[arguments.Environment.Name] = arguments.Environment.Value;
        return Process.Start(start)!;
    }
}

/// <summary>A service cannot be kept at work.</summary>
internal sealed class ServiceFailedException(string message) : Exception(message);
