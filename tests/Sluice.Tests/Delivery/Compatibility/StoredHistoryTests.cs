namespace Sluice.Tests.Delivery;

/// <summary>The history of the stored test data itself, over a store that this version has written.</summary>
public class StoredHistoryTests
{
    [Fact]
    public async Task TheSecondHalfOfTheHistoryContinuesTheFirst()
    {
        await using var store = new MemoryStreamStore();
        await StoredHistory.BeginAsync(store);
        await StoredHistory.GoOnAsync(store);
    }
}
