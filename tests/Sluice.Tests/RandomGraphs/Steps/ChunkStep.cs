namespace Sluice.Tests.RandomGraphs;

/// <summary>Chunks of so many items, the last one perhaps smaller.</summary>
internal sealed record ChunkStep(int Id, int? Buffer, int Size) : GatherStep<long[]>(Id, Buffer)
{
    public override string Name => $"chunk-{Id}";

    protected override string Details => $" of {Size}";

    protected override Source<long[]> Gather(Source<long> source) => source.Chunk(Size);

    protected override long Sum(long[] gathered) => Mixing.MixAll(gathered, Id);

    protected override IEnumerable<Item> Outputs(IReadOnlyList<Item> items)
        => items.Select(item => item.Value).Chunk(Size).Select(chunk => new Item(Mixing.MixAll(chunk, Id), null));
}
