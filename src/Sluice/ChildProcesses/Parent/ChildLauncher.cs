namespace Sluice.ChildProcesses;

/// <summary>Starts child processes, one at a time for each caller, and waits until each has connected.</summary>
/// <remarks>Thread-safe. Timeouts of processes are in real time, whatever the clock of the work is.</remarks>
/// <param name="program">How the children are started.</param>
/// <param name="listener">Where they connect.</param>
/// <param name="life">Cancelled when no child is needed any more.</param>
internal sealed class ChildLauncher(ChildProgram program, ChildListener listener, CancellationToken life)
{
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private static readonly Backoff BeforeStarts = Backoff.Exponential(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(2));

    /// <summary>Starts a child.</summary>
    /// <param name="until">Cancelled when this child is not needed any more; null for the life of all.</param>
    /// <returns>The child, or why it did not connect; then its process has ended.</returns>
    /// <exception cref="WorkerException">The process cannot be started.</exception>
    /// <exception cref="OperationCanceledException">No child is needed any more; the process has ended.</exception>
    public async Task<ChildStart> StartAsync(CancellationToken? until = null)
    {
        CancellationToken needed = until ?? life;
        ChildToken token = listener.Issue(out Task<ChildArrival> arriving);
        ChildProcess? process = null;
        bool hasArrived = false;
        try
        {
            process = ChildProcess.Start(program, token);
            Task either = Task.WhenAny(arriving, process.Exiting);
            await either.WaitAsync(program.StartTimeout, TimeProvider.System, needed).ConfigureAwait(Quietly);
            hasArrived = arriving.IsCompletedSuccessfully;
            if (hasArrived) return await GreetAsync(new(process, await arriving));
            needed.ThrowIfCancellationRequested();
            bool wasSlow = !process.Exiting.IsCompleted;
            await process.EndAsync(TimeSpan.Zero);
            var failure = new ChildStartFailure(wasSlow ? null : process.HowItEnded(), await process.LastErrorsAsync());
            process.Dispose();
            return new(null, failure);
        }
        catch when (process is not null)
        {
            await process.EndAsync(TimeSpan.Zero);
            await process.LastErrorsAsync();
            process.Dispose();
            throw;
        }
        finally
        {
            if (!hasArrived) listener.Revoke(token, arriving);
        }
    }

    private async Task<ChildStart> GreetAsync(ChildConnection child)
    {
        if (ProtocolVersion.Refusal(child.Hello.Version, program.VersionRemedy) is not { } refusal) return new(child, null);
        await child.Process.EndAsync(TimeSpan.Zero);
        child.Dispose();
        return new(null, new(null, "") { Refusal = refusal });
    }

    /// <summary>Waits before the next start; longer after several failures in a row. Returns early when no child is needed.</summary>
    /// <param name="failures">The number of failures in a row; without a failure there is no wait.</param>
    /// <param name="random">Varies the wait, so that children do not start in step.</param>
    public Task PauseAsync(int failures, Random random) => PauseAsync(failures, random, life);

    /// <inheritdoc cref="PauseAsync(int, Random)"/>
    /// <param name="failures">As above.</param>
    /// <param name="random">As above.</param>
    /// <param name="life">Cancelled when no child is needed any more.</param>
    public static async Task PauseAsync(int failures, Random random, CancellationToken life)
    {
        if (failures <= 0) return;
        await Task.Delay(BeforeStarts.WaitBefore(failures, random), TimeProvider.System, life).ConfigureAwait(Quietly);
    }
}

/// <summary>The outcome of a start: the child, or the failure.</summary>
internal readonly record struct ChildStart(ChildConnection? Child, ChildStartFailure? Failure);

/// <summary>Why a child did not connect.</summary>
/// <param name="HowItEnded">How its process has ended; null if it took too long and was killed.</param>
/// <param name="Wrote">The last lines of its standard error, if kept.</param>
internal sealed record ChildStartFailure(string? HowItEnded, string Wrote)
{
    /// <summary>Why a child that connected cannot be used, whatever is tried again; null if it did not connect.</summary>
    public string? Refusal { get; init; }
}
