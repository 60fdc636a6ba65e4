namespace Sluice.Storage;

/// <summary>The unread entries of a consumer: their number and bytes.</summary>
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
