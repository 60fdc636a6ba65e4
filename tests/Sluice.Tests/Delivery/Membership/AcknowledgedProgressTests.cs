using Sluice.Delivery;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

public sealed class AcknowledgedProgressTests
{
    private static readonly GroupId Group = new("numbers", "numbers");

    /// <remarks>A member may lose its partition after it has seen the group that was made in place of the former one.</remarks>
    [Fact]
    public void CommitsOfARemovedGroupAreNoneOfTheGroupMadeInItsPlace()
    {
        // The low twenty bits count the acquisitions in a group; those above them are the number of the group.
        Ownership former = new(Group, 0, (1L << 20) + 5), present = new(Group, 0, (2L << 20) + 1);
        var acknowledged = new AcknowledgedProgress();
        acknowledged.Note(former, 8);
        acknowledged.Note(present, 0);
        acknowledged.Note(former, 8);
        Assert.Equal(new(present.Epoch, 0), acknowledged.Of(0));
        Assert.Null(acknowledged.Of(0).FindLoss(present with { Epoch = present.Epoch + 1 }, present.Epoch, lastCommit: 0));

        acknowledged.Note(present, 3);
        Assert.Contains("Commit 3 of partition 0", acknowledged.Of(0).FindLoss(present with { Epoch = present.Epoch + 1 }, present.Epoch,
            lastCommit: 2), StringComparison.Ordinal);
        Assert.Contains("the store knew the epoch", acknowledged.Of(0).FindLoss(present, present.Epoch - 1, lastCommit: 3),
            StringComparison.Ordinal);
    }
}
