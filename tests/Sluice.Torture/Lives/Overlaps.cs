namespace Sluice.Torture;

/// <summary>Calls that a careless program makes beside those of a life: at any time, overlapping, given up in the middle. They must harm no
/// item.</summary>
internal sealed class Overlaps : IDisposable
{
    private readonly CancellationTokenSource over = new();
    private readonly Consecutor<Work> consecutor;
    private readonly Journal journal;
    private readonly Dice dice;
    private readonly Task calling = Task.CompletedTask;

    public Overlaps(Consecutor<Work> consecutor, Case @case, LifePlan plan, Journal journal)
    {
        (this.consecutor, this.journal, dice) = (consecutor, journal, @case.DiceOf(plan));
        if (plan.Troubles.Overlaps) calling = Task.Run(CallAsync);
    }

    /// <summary>From here on there are none.</summary>
    public async Task EndAsync(CancellationToken cancellation)
    {
        await over.CancelAsync();
        await calling;
        await EndPauseAsync(consecutor, cancellation);
    }

    /// <summary>Ends the pause of this life, or of an earlier one that was killed during it.</summary>
    public static async Task EndPauseAsync(Consecutor<Work> consecutor, CancellationToken cancellation)
    {
        while (!consecutor.Completion.IsCompleted)
            try
            {
                await consecutor.ResumeAsync(cancellation);
                return;
            }
            catch (Exception) when (!cancellation.IsCancellationRequested && !consecutor.Completion.IsCompleted)
            {
                // The store does not answer: a pause must not outlast the case.
                await Task.Delay(10, cancellation);
            }
    }

    public void Dispose() => over.Dispose();

    private async Task CallAsync()
    {
        for (int calls = 0; calls < 200 && !over.IsCancellationRequested; calls++)
        {
            try
            {
                await CallOneAsync();
                await Task.Delay(dice.Below(10), over.Token);
            }
            catch (OperationCanceledException)
            {
                // Given up, as was meant.
            }
            catch (Exception) when (consecutor.Completion.IsCompleted)
            {
                return;
            }
        }
    }

    private async Task CallOneAsync()
    {
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
        impatient.CancelAfter(dice.Below(20));
        switch (dice.Below(5))
        {
            case 0:
                try
                {
                    await consecutor.PauseAsync(impatient.Token);
                    await Task.Delay(dice.Below(5), CancellationToken.None);
                }
                finally
                {
                    await EndPauseAsync(consecutor, over.Token);          // a pause that was given up may have begun
                }
                break;
            case 1:
                await Task.WhenAll(consecutor.WaitForIdleAsync(impatient.Token), consecutor.WaitForIdleAsync(over.Token));
                break;
            case 2:
                await consecutor.ListDeadLettersAsync(impatient.Token).FirstOrDefaultAsync(impatient.Token);
                break;
            case 3:
                _ = consecutor.WaitForIdleAsync(impatient.Token).ContinueWith(static waited => _ = waited.Exception, TaskScheduler.Default);
                break;
            default:
                if (await StartsAgainAsync()) journal.Write($"problem a consecutor that runs was started again");
                break;
        }
        if (consecutor.Snapshot().Unaccounted != 0) journal.Write($"problem {consecutor.Snapshot().Unaccounted} items are unaccounted for");
    }

    private async Task<bool> StartsAgainAsync()
    {
        try
        {
            await consecutor.StartAsync(over.Token);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
