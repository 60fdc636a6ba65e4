namespace Sluice.Sqlite.Tests;

public sealed class UnreadablePartsTests
{
    private static readonly SqliteFailure Failure = new(11, "malformed");

    private readonly UnreadableParts parts = new();
    private readonly DateTimeOffset now = DateTimeOffset.UnixEpoch;

    private DateTimeOffset Later => now + (2 * UnreadableParts.Lasts);

    /// <remarks>On a disk that takes half a minute for each damaged part, each repetition found the former part forgotten, and the call was
    /// repeated without end.</remarks>
    [Fact]
    public void NoPartIsForgottenWhileACallIsRepeated()
    {
        parts.AddChunk(1, 10, Failure, now);
        parts.Keeps = true;
        Assert.NotNull(parts.OfChunk(1, 10, Later));
        parts.AddChunk(1, 10, Failure, Later);
        Assert.Equal(1, parts.Added);
        parts.AddChunk(1, 20, Failure, Later);
        Assert.Equal(2, parts.Added);
        parts.Keeps = false;
        Assert.Null(parts.OfChunk(1, 20, Later + UnreadableParts.Lasts));
        parts.AddChunk(1, 20, Failure, Later + UnreadableParts.Lasts);
        Assert.Equal(3, parts.Added);
        Assert.Null(parts.OfChunk(1, 10, Later + UnreadableParts.Lasts));
    }

    /// <remarks>Its entries would become dead letters without their payload.</remarks>
    [Fact]
    public void ABlockThatCannotBeDeletedMayBeRead()
    {
        parts.AddUndeletableBlock(5, Failure, now);
        Assert.Equal((true, null), (parts.IsUndeletable(5, now), parts.OfBlock(5, now)));
        parts.AddBlock(5, Failure, now);
        Assert.NotNull(parts.OfBlock(5, now));
        parts.ForgetBlock(5);
        Assert.Equal((false, null), (parts.IsUndeletable(5, now), parts.OfBlock(5, now)));
    }
}
