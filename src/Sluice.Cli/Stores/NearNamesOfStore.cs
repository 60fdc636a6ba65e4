using Sluice.Topologies;

namespace Sluice.Cli.Stores;

/// <summary>Finds the names in a store that a mistyped name was meant to be.</summary>
internal static class NearNamesOfStore
{
    /// <summary>Returns a sentence with the streams near a name, and a space before it; empty if none is near.</summary>
    public static async Task<string> StreamsAsync(CommandRun command, IStreamStore store, string name)
        => Say(NearNames.Of(name, await store.ListStreamsAsync("", command.Cancellation)));

    /// <summary>The same for consecutors: streams with a group of their own name.</summary>
    public static async Task<string> ConsecutorsAsync(CommandRun command, IStreamStore store, string name)
    {
        List<string> near = [];
        foreach (string stream in NearNames.Of(name, await store.ListStreamsAsync("", command.Cancellation)))
            if (await store.FindGroupAsync(new(stream, stream), command.Cancellation) is not null) near.Add(stream);
        return Say(near);
    }

    /// <summary>The same for runs of flows.</summary>
    public static async Task<string> RunsAsync(CommandRun command, IStreamStore store, string run)
        => Say(NearNames.Of(run, await new FlowRunInspector(store).ListIdsAsync(command.Cancellation)));

    private static string Say(IReadOnlyList<string> near) => near.Count == 0 ? "" : $" Near it: {string.Join(", ", near)}.";
}
