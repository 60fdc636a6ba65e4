using Sluice.Delivery;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Items of one batch, sent by two versions of a program, end in one commit.</summary>
public class BatchTallyTests
{
    [Fact]
    public void AChangeHasTheListenersOfAllItsItems()
    {
        var tally = new BatchTally();
        tally.End(new("orders", "monday"), hasFailed: false);
        tally.Accept(new("orders", "monday") { Listeners = ["ledger"] });
        tally.End(new("orders", "monday") { Listeners = ["audit", "ledger"] }, hasFailed: true);
        BatchChange change = Assert.Single(tally.Changes);
        Assert.Equal((1, 2, 1), (change.Accepted, change.Ended, change.Failed));
        Assert.Equal(["ledger", "audit"], change.MarkerStreams);
    }
}
