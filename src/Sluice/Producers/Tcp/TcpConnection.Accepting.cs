namespace Sluice.Producers;

/// <summary>Waits until received frames are accepted, and tells the client that the stream is full.</summary>
internal sealed partial class TcpConnection<T>
{
    /// <summary>Waits until there is a place for an item. In front of a full stream, the client is told so, and which of its items were
    /// accepted meanwhile.</summary>
    /// <param name="place">The place of the item.</param>
    /// <param name="appends">The appends of the items before it, each with its last frame. Those that the client is told of are removed.
    /// </param>
    /// <param name="intake">The intake.</param>
    /// <param name="adding">Gives up the place.</param>
    /// <returns>A task that completes when the item is accepted.</returns>
    private async ValueTask<Task> PlaceAsync(Task<Task> place, List<(Task Accepting, long Last)> appends, IFrameIntake<T> intake,
        CancellationTokenSource adding)
    {
        try
        {
            if (!isFull && await Task.WhenAny(place, intake.Full) != place) await FullAsync();
            // The store may have accepted several appends meanwhile.
            while (isFull && appends.Count > 0 && await Task.WhenAny(place, appends[0].Accepting) != place)
                if (!await TellAcceptedAsync(appends)) break;
        }
        catch (Exception)
        {
            // The client is gone, or does not read: nothing of it may be added later.
            await adding.CancelAsync();
            await ((Task)place).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Recount(appends);
            appends.Clear();
            throw;
        }
        return await place;
    }

    /// <summary>Waits until all appends are accepted.</summary>
    private async ValueTask AcceptedAsync(List<(Task Accepting, long Last)> appends, IFrameIntake<T> intake)
    {
        try
        {
            Task accepting = appends[^1].Accepting;
            if (!isFull && !accepting.IsCompleted && await Task.WhenAny(accepting, intake.Full) != accepting) await FullAsync();
            while (isFull && appends.Count > 1)
            {
                await appends[0].Accepting.WaitAsync(life.Token);
                await TellAcceptedAsync(appends);
            }
            await accepting.WaitAsync(life.Token);
            intake.GoOn();
        }
        catch
        {
            Recount(appends);
            throw;
        }
    }

    private async ValueTask FullAsync()
    {
        isFull = true;
        await AnswerAsync("full");
    }

    /// <summary>Tells the client of the first appends that are accepted, and removes them.</summary>
    /// <returns>Whether there was one.</returns>
    private async ValueTask<bool> TellAcceptedAsync(List<(Task Accepting, long Last)> appends)
    {
        int count = 0;
        while (count < appends.Count && appends[count].Accepting.IsCompletedSuccessfully) count++;
        if (count == 0) return false;
        told = appends[count - 1].Last;
        appends.RemoveRange(0, count);
        await AnswerAsync($"ok {told}");
        return true;
    }

    // The frames behind the first append that has failed, or has not ended, do not count.
    private void Recount(List<(Task Accepting, long Last)> appends)
    {
        last = told;
        foreach (var (accepting, number) in appends)
        {
            if (!accepting.IsCompletedSuccessfully) break;
            last = number;
        }
    }
}
