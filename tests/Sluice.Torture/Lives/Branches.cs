using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>Branches beside the random one, behind the source: of what comes out of them, each item is written down once.</summary>
internal static class Branches
{
    private static readonly EventTime<Work> Time =
        new(static work => DateTimeOffset.UnixEpoch.AddSeconds(work.Number % 1000)) { AllowedLateness = TimeSpan.FromDays(1) };

    public static Func<Source<Work>, Pipeline> Of(string name) => source => (name switch
    {
        Extra.Chunks => source.Chunk(7) | Stage.Named("chunks-of-seven") | (static IEnumerable<Work> (chunk) => chunk),
        Extra.Windows => source.Window(Time, TimeSpan.FromMinutes(1)) | Stage.Named("minutes")
            | (static IEnumerable<Work> (window) => window.Items),
        Extra.Pairs => source.Join(static left => left, static right => right.Where(static work => work.Number % 2 == 0),
            static work => work.Number, static work => work.Number, static (left, _) => left) | Stage.Named("both"),
        _ => source | Copies,
    }) | (name == Extra.Second ? Sink.Output<Work>(name) : Sink.Commit(() => new ResultSink(name)) | Stage.Named(name));

    private static readonly Func<long, int> Count = Places.Extras.Single(static extra => extra.Name == Extra.Second).Count;

    private static IEnumerable<Work> Copies(Work work) => Enumerable.Range(0, Count(work.Number)).Select(copy => work.Then($"{copy}"));

    /// <summary>What the last of them feeds. Nothing of it fails, so that it has no letters.</summary>
    public static Consecutor<Work> NewSecond(IStreamStore store, Troubles troubles) => new(Extra.Second,
        static source => source | (Sink.Commit(static () => new ResultSink(Extra.Second)) | Stage.Named("lines")),
        Life.With(troubles, new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(1000, Backoff.None),
            Stream = new() { Partitions = 2 }
        }));
}
