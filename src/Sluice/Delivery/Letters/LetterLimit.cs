namespace Sluice;

/// <summary>Keeps dead letters few where only the latest are of interest.</summary>
internal static class LetterLimit
{
    /// <summary>Under <see cref="DeliveryGuarantee.Track"/>: deletes the oldest letters, if there are more than are to be kept.</summary>
    /// <returns>How many were deleted.</returns>
    public static async Task<long> TrimAsync(ConsecutorCore core, long more)
    {
        if (core.Options.Delivery is not { Level: DeliveryLevel.Track } track || more == 0) return 0;
        long excess = core.Books.Dead + more - track.Count;
        if (excess <= track.Count / 16) return 0;
        try
        {
            IReadOnlyList<StoredDeadLetter> oldest = await core.Store.ListDeadAsync(core.Group, null, 0, (int)Math.Min(excess, 1000), core.Life).ConfigureAwait(false);
            return await core.Store.DeleteDeadAsync(core.Group, [.. oldest.Select(letter => letter.Number)], core.Life).ConfigureAwait(false);
        }
        catch (Exception e) when (!core.Life.IsCancellationRequested)
        {
            core.Problem = $"Old dead letters could not be deleted; the next commit tries again: {FailureText.Of(e)}";
            return 0;
        }
    }
}
