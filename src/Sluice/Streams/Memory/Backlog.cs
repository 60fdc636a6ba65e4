namespace Sluice;

/// <summary>What a consumer has before it.</summary>
internal struct Backlog
{
    public long Items;
    public long Bytes;

    public void Add(long items, long bytes)
    {
        Items += items;
        Bytes += bytes;
    }
}
