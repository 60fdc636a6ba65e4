using Sluice.Flows;
using Sluice.Processes;

namespace Sluice.Executors;

/// <summary>A slot for one child process: starts it on demand, and again after it has ended.</summary>
/// <remarks>Thread-safe, except <see cref="Load"/>, which the executor guards.</remarks>
internal sealed class ChildSlot(ProcessExecutorOptions options, CancellationToken life)
{
    private static readonly Backoff BeforeStarts = Backoff.Exponential(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(2));

    private readonly Lock sync = new();
    private Task<ChildConnection>? current;
    private int failures;                            // consecutive failed starts

    /// <summary>The number of functions that run or are about to run here.</summary>
    public int Load { get; set; }

    /// <summary>Connects to the child; starts it if there is none.</summary>
    /// <exception cref="ExecutionLostException">The child ended, or was killed, before it connected.</exception>
    public Task<ChildConnection> ConnectAsync(WorkerListener door, CancellationToken cancellation)
    {
        Task<ChildConnection> child;
        lock (sync)
        {
            if (current is null || current.IsFaulted || current.IsCanceled
                || current is { IsCompletedSuccessfully: true, Result.IsOver: true }) current = StartAsync(door, current);
            child = current;
        }
        return child.WaitAsync(cancellation);
    }

    /// <summary>Ends the child, if there is one. Call it last.</summary>
    public async Task EndAsync()
    {
        Task<ChildConnection>? last;
        lock (sync) last = current;
        if (last is null) return;
        await ((Task)last).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (last.IsCompletedSuccessfully) await last.Result.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<ChildConnection> StartAsync(WorkerListener door, Task<ChildConnection>? before)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        // One process at a time.
        if (before is { IsCompletedSuccessfully: true }) await before.Result.DisposeAsync().ConfigureAwait(false);
        if (failures > 0) await Task.Delay(BeforeStarts.WaitBefore(failures, Random.Shared), TimeProvider.System, life)
            .ConfigureAwait(false);
        life.ThrowIfCancellationRequested();
        WorkerToken invitation = door.Invite(out Task<WorkerArrival> arriving);
        WorkerProcess? process = null;
        ChildErrors? errors = null;
        try
        {
            process = WorkerProcess.Start(options.Program, options.Arguments ?? Environment.GetCommandLineArgs()[1..],
                ExecutorEnvironment.Variable, invitation, keepsErrors: true);
            errors = new(process.Errors);
            Task either = Task.WhenAny(arriving, process.Exiting);
            await either.WaitAsync(options.StartTimeout, TimeProvider.System, life).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (arriving.IsCompletedSuccessfully)
            {
                failures = 0;
                return new(await arriving.ConfigureAwait(false), process, errors, options);
            }
            life.ThrowIfCancellationRequested();
            failures++;
            bool wasSlow = !process.Exiting.IsCompleted;
            await process.EndAsync(TimeSpan.Zero).ConfigureAwait(false);
            string last = await errors.EndAsync().ConfigureAwait(false);
            throw new ExecutionLostException(wasSlow
                ? $"A child process had not asked for work after {options.StartTimeout}, and was killed: its program must say if (await "
                + $"Worker.TryRunAsWorkerAsync(functions)) return; before it does anything else.{last}"
                : $"A child process has ended before it asked for work, with {process.HowItEnded()}: its program must say if (await "
                + $"Worker.TryRunAsWorkerAsync(functions)) return; before it does anything else.{last}");
        }
        catch (WorkerException e)
        {
            failures++;
            throw new ExecutionLostException(e.Message, e);
        }
        catch when (process is not null)
        {
            await process.EndAsync(TimeSpan.Zero).ConfigureAwait(false);
            if (errors is not null) await errors.EndAsync().ConfigureAwait(false);
            process.Dispose();
            throw;
        }
        finally
        {
            door.Withdraw(invitation);
        }
    }
}
