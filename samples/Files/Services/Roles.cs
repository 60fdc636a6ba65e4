using Files.Processors;
using Sluice.Hosting;

namespace Files.Services;

/// <summary>What a service hosts.</summary>
internal static class Roles
{
    /// <summary>The services, if there are three.</summary>
    public static IReadOnlyList<string> All { get; } = ["reader", "extractor", "indexer"];

    /// <summary>Registers the processors of a role; those of all roles if it is null.</summary>
    public static void AddTo(SluiceBuilder sluice, string? role)
    {
        if (role is null or "reader")
        {
            sluice.AddProcessor(WordFlow.Discover, WordFlow.DiscoverAsync);
            sluice.AddProcessor(WordFlow.Read, WordFlow.ReadAsync);
        }
        if (role is null or "extractor") sluice.AddProcessor(WordFlow.Extract, WordFlow.ExtractAsync);
        if (role is null or "indexer") sluice.AddProcessor(WordFlow.Index, WordFlow.IndexAsync);
    }
}
