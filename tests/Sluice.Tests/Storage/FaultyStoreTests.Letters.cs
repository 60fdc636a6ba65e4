using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <content>Dead letters whose entries are damaged.</content>
public partial class FaultyStoreTests
{
    /// <summary>What a store does with a damaged letter that is to be redriven.</summary>
    public enum Redriven
    {
        Refused,
        RefusedAndLost,
        EmptyEntry,
    }

    [Theory]
    [InlineData(true, Redriven.Refused, null)]
    [InlineData(false, Redriven.Refused, "which letters say that they are unreadable")]
    [InlineData(true, Redriven.RefusedAndLost, "letters that are left when a redrive of a damaged one was refused")]
    [InlineData(true, Redriven.EmptyEntry, "what is leased beside the entry of a damaged letter that was redriven")]
    public async Task TheContractLooksAtDamagedLetters(bool areFlagged, Redriven redriven, string? message)
    {
        Task<string?> running = StreamStoreContract.RunAsync("ADamagedLetterIsListedWithoutItsPayload",
            new DamagedLetters(areFlagged, redriven));
        if (message is null) Assert.Null(await running);
        else Assert.Contains(message, (await Assert.ThrowsAsync<StreamStoreContractException>(() => running)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Plays that the letter of the entry 2 is damaged.</summary>
    private sealed class DamagedLetters(bool areFlagged, Redriven redriven) : MemoryStoreFixture
    {
        private readonly bool areFlagged = areFlagged;
        private readonly Redriven redriven = redriven;
        private bool isDamaged;

        public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time) => new Store(await base.OpenAsync(time), this);

        public override ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
            => ValueTask.FromResult(isDamaged = true);

        private sealed class Store(IStreamStore inner, DamagedLetters fixture) : StreamStoreWrapper(inner)
        {
            public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null,
                long after = 0, int max = 100, CancellationToken cancellation = default)
                => [.. (await Inner.ListDeadAsync(group, node, after, max, cancellation)).Select(letter => !IsDamaged(letter) ? letter
                    : letter with { Entry = new() { Sequence = letter.Root }, IsUnreadable = fixture.areFlagged })];

            public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers,
                CancellationToken cancellation = default)
            {
                StoredDeadLetter? damaged = (await Inner.ListDeadAsync(group, cancellation: cancellation))
                    .FirstOrDefault(letter => IsDamaged(letter) && numbers.Contains(letter.Number));
                if (damaged is null) return await Inner.RedriveAsync(group, numbers, cancellation);
                await Inner.DeleteDeadAsync(group, fixture.redriven == Redriven.Refused ? [] : [damaged.Number], cancellation);
                if (fixture.redriven != Redriven.EmptyEntry) throw new StreamStoreException("It is damaged.") { IsPermanent = true };
                using var empty = new EntryBatch();
                empty.Add([]);
                await Inner.AppendAsync(new(group.Stream, "redrive", 0, 1, empty), cancellation);
                return 1;
            }

            private bool IsDamaged(StoredDeadLetter letter) => fixture.isDamaged && letter.Root == 2;
        }
    }
}
