using Sluice.Testing;
using Wrapping = System.Func<Sluice.Storage.IStreamStore, Sluice.Storage.IStreamStore>;

namespace Sluice.Tests.Storage;

/// <content>Fixtures that fail.</content>
public partial class FaultyStoreTests
{
    [Fact]
    public async Task AFixtureThatCannotDeleteItsDataHidesNoFault()
    {
        var failure = await Assert.ThrowsAsync<StreamStoreContractException>(() => StreamStoreContract.RunAsync(
            "AReservationCountsAgainstTheBoundOfBytes", new KeepsItsFiles(static inner => new ReservesNoBytes(inner))));
        Assert.Contains("600 bytes", failure.Message, StringComparison.Ordinal);

        await Assert.ThrowsAsync<IOException>(() => StreamStoreContract.RunAsync("ACheckReadsEveryEntry", new KeepsItsFiles()));
    }

    private sealed class KeepsItsFiles(Wrapping? wrap = null) : MemoryStoreFixture(wrap)
    {
        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            throw new IOException("a file is in use");
        }
    }
}
