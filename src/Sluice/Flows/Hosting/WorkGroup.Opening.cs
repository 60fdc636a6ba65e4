namespace Sluice.Flows;

/// <content>The work stream of a processor.</content>
internal sealed partial class WorkGroup
{
    /// <summary>Creates the work stream and its group, so that a processor without a host can have orders.</summary>
    /// <returns>The number of partitions, which the first service has set.</returns>
    public static async Task<int> OpenAsync(SupervisorCore core, string processor, CancellationToken cancellation)
    {
        string work = FlowNames.Work(processor);
        StoreRetrier calls = core.Calls;
        int wanted = core.Options.WorkPartitions ?? Partitions;
        StreamInfo? info = null;
        while (info is null)
        {
            info = await calls.DoAsync([], () => calls.Store.FindStreamAsync(work, cancellation), cancellation).ConfigureAwait(false);
            try
            {
                info ??= await calls.DoAsync([], () => calls.Store.OpenStreamAsync(work, new() { Partitions = wanted }, cancellation),
                    cancellation).ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (e.IsPermanent && e is not StoreRolledBackException)
            {
                // Another service was first, with another number; any other error is thrown.
                info = await calls.DoAsync([], () => calls.Store.FindStreamAsync(work, cancellation), cancellation).ConfigureAwait(false);
                if (info is null || info.Options.Partitions == wanted) throw;
            }
        }
        await calls.DoAsync(work, () => calls.Store.AddGroupAsync(FlowNames.Hosts(processor), cancellation: cancellation), cancellation)
            .ConfigureAwait(false);
        int there = info.Options.Partitions;
        if (core.Options.WorkPartitions is { } said && said != there)
            core.WarnOnce(
                $"The work of the processor {processor} is divided into {there:N0} parts in the store, not into {said:N0} as this service "
                    + $"says (SupervisorOptions.WorkPartitions): {there:N0} services can share it. "
                + $"To change that, stop the services while no run of the processor is in progress, and call "
                + $"store.DeleteStreamAsync(\"{work}\").");
        return there;
    }
}
