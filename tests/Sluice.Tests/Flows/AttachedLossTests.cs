using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A store has noticed a loss when it was opened, before a supervisor was attached to it.</summary>
public class AttachedLossTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("The store had come to its transaction 9, and was back at 5 when it was opened.")]
    public async Task ALossIsAWarning(string? loss)
    {
        await using var store = new ReturnedStore(loss);
        List<string> warnings = [];
        await using (Supervisor.Attach(store, new() { Name = "shop", OnWarning = warnings.Add }))
            Assert.Equal(loss is null ? [] : [$"The service shop: {loss} Runs go on with what the store has. Start lost runs again, and see "
                + "that the store keeps what it acknowledges."], warnings);
    }

    private sealed class ReturnedStore(string? loss) : StreamStoreWrapper(new MemoryStreamStore())
    {
        public override string? Loss => loss;
    }
}
