using Sluice.ChildProcesses;
using Sluice.Policies;

namespace Sluice.Processes;

/// <summary>Keeps one worker process running: starts it, serves it, and replaces it when it has ended.</summary>
/// <remarks>
/// A loop for the life of the run: a stage wants all its workers at once. The slot of an executor starts its child on demand.
/// </remarks>
internal sealed class WorkerSlot<TIn, TOut>(WorkerPool<TIn, TOut> pool)
{
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
        ChildStart start = await StartAsync();
        if (start.Failure is { } failure && !pool.Life.IsCancellationRequested)
        {
            if (failure.Refusal is { } refusal) throw new WorkerException(refusal);
            if (await pool.Definition.Program.ExplainAsync(failure, pool.Life) is { } final) throw final;
            pool.FailedToStart(failure.HowItEnded is { } end ? WithErrors(end, failure.Wrote)
                : $"nothing: it had not connected after {DurationText.Of(Options.StartTimeout)}, and was killed"
                    + pool.Definition.Program.SlowStart, pool.Definition.Program.Remedy);
        }
        if (start.Child is not { } child) return;
        try
        {
            using var connection = new WorkerConnection<TIn, TOut>(pool, child);
            if (!Fits(child.Hello)) return;
            pool.Join(connection);
            string? lastWords = await connection.RunAsync();
            await child.Process.EndAsync(Options.StopTimeout);         // it ends by itself once the connection is gone
            string how = WithErrors(child.Process.HowItEnded(), await child.Process.LastErrorsAsync());
            pool.Leave(connection, lastWords is null ? how : $"{how}: {lastWords}");
        }
        finally
        {
            await child.Process.EndAsync(TimeSpan.Zero);
            child.Dispose();
        }
    }

    /// <summary>Starts the worker; repeats that for the start timeout as long as the machine is short of something.</summary>
    /// <returns>The worker, or why it did not connect; neither if no worker is needed any more, or the machine stayed short.</returns>
    private async Task<ChildStart> StartAsync()
    {
        long began = TimeProvider.System.GetTimestamp();
        for (int tries = 1; !pool.Life.IsCancellationRequested; tries++)
            try
            {
                pool.Definition.Program.Check();
                return await pool.Launcher.StartAsync();
            }
            catch (WorkerException e) when (ChildProcess.MayPass(e))
            {
                if (TimeProvider.System.GetElapsedTime(began) >= Options.StartTimeout)
                {
                    pool.FailedToStart($"nothing: it could not be started: {e.InnerException!.Message}");
                    break;
                }
                await pool.Launcher.PauseAsync(tries, pool.Run.Random);
            }
            catch (WorkerException e)
            {
                throw pool.Definition.Program.Explain(e);
            }
            catch (OperationCanceledException) when (pool.Life.IsCancellationRequested)
            {
                break;
            }
        return default;
    }

    private static string WithErrors(string how, string wrote) => wrote.Length == 0 ? how : $"{how}.{wrote}";

    /// <summary>Whether the body has the stage's types. A worker that knows no types passes.</summary>
    private bool Fits(Hello worker)
    {
        string input = TypeNames.ToStore(typeof(TIn)), output = TypeNames.ToStore(typeof(TOut));
        if (worker.Input.Length == 0 || (worker.Input == input && worker.Output == output)) return true;
        pool.Fail(
            new WorkerException(
                $"The body '{pool.Definition.Body}' makes {worker.Output} of {worker.Input}, and the stage wants {output} of {input}."));
        return false;
    }
}
