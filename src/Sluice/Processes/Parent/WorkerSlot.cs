namespace Sluice.Processes;

/// <summary>Keeps one worker process running: starts it, serves it, and replaces it when it has ended.</summary>
internal sealed class WorkerSlot<TIn, TOut>(WorkerPool<TIn, TOut> pool)
{
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private ProcessOptions Options => pool.Definition.Options;

    /// <summary>Runs until no worker is needed any more. Never throws.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (!pool.Life.IsCancellationRequested)
            {
                await RunOneAsync();
                await pool.PauseAsync();
            }
        }
        catch (Exception e)
        {
            pool.Fail(e);
        }
    }

    private async Task RunOneAsync()
    {
        WorkerToken invitation = pool.Door.Invite(out Task<WorkerArrival> arriving);
        using WorkerProcess process = WorkerProcess.Start(Options.Program,
            [WorkerToken.Argument, pool.Definition.Body, .. Options.Arguments], WorkerToken.Variable, invitation);
        try
        {
            await ServeAsync(process, arriving);
        }
        finally
        {
            pool.Door.Withdraw(invitation);
            await process.EndAsync(TimeSpan.Zero);
        }
    }

    private async Task ServeAsync(WorkerProcess process, Task<WorkerArrival> arriving)
    {
        Task either = Task.WhenAny(arriving, process.Exiting);
        await either.WaitAsync(Options.StartTimeout, TimeProvider.System, pool.Life).ConfigureAwait(Quietly);
        if (!arriving.IsCompletedSuccessfully)
        {
            bool wasSlow = !process.Exiting.IsCompleted;
            await process.EndAsync(TimeSpan.Zero);
            if (!pool.Life.IsCancellationRequested) pool.FailedToStart(wasSlow
                ? $"nothing: it had not connected after {Options.StartTimeout}, and was killed" : process.HowItEnded());
            return;
        }
        WorkerArrival arrival = await arriving;
        using var connection = new WorkerConnection<TIn, TOut>(pool, arrival, process);
        if (!Fits(arrival)) return;
        pool.Join(connection);
        string? lastWords = await connection.RunAsync();
        await process.EndAsync(Options.StopTimeout);         // it ends by itself once the connection is gone
        pool.Leave(connection, lastWords is null ? process.HowItEnded() : $"{process.HowItEnded()}: {lastWords}");
    }

    /// <summary>Whether the body has the stage's types. A worker that knows no types passes.</summary>
    private bool Fits(WorkerArrival arrival)
    {
        string input = TypeNames.ToStore(typeof(TIn)), output = TypeNames.ToStore(typeof(TOut));
        if (arrival.Input.Length == 0 || (arrival.Input == input && arrival.Output == output)) return true;
        pool.Fail(
            new WorkerException(
                $"The body '{pool.Definition.Body}' makes {arrival.Output} of {arrival.Input}, and the stage wants {output} of {input}."));
        return false;
    }
}
