using Sluice.Delivery;
using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Stored lists whose commits have little room, over restarts.</summary>
public class RememberedListTests
{
    [Fact]
    public void AListIsExactHoweverLittleRoomCommitsHave()
    {
        for (int seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var store = new Store();
            RememberedList list = new("items/");
            List<int> items = [];
            for (int commit = 0; commit < 60; commit++)
            {
                if (random.Next(8) == 0)
                {
                    items.Clear();
                    list.Clear();
                }
                int more = random.Next(4);
                for (int i = 0; i < more; i++) items.Add((commit * 10) + i);
                list.Save<int>(store.Begin(random.Next(4)), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(items));
                bool isCommitted = random.Next(6) > 0;
                if (isCommitted) store.Commit();
                if (isCommitted && random.Next(4) > 0) continue;
                List<int> restored = (list = new("items/")).Restore<int>(store.Read());
                if (isCommitted) Assert.True(items.SequenceEqual(restored), $"seed {seed}, commit {commit}");
                items = restored;
            }
            items.Clear();
            for (int i = 0; !list.Delete(store.Begin(2)); i++)
            {
                store.Commit();
                if (i % 2 == 0) (list = new("items/")).RestoreGone(store.Read());
                Assert.InRange(i, 0, 200);
            }
            store.Commit();
            Assert.Empty(store.Rows);
        }
    }

    /// <summary>Pages are joined as long as there is room, and none is left behind.</summary>
    [Fact]
    public void AListOfManyItemsHasFewPages()
    {
        var store = new Store();
        RememberedList list = new();
        List<int> items = [];
        for (int n = 0; n < 1_000; n++)
        {
            items.Add(n);
            list.Save<int>(store.Begin(n % 100 == 0 ? 100 : 0), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(items));
            store.Commit();
        }
        list.Save<int>(store.Begin(100), [.. items, 1_000]);
        store.Commit();
        Assert.InRange(store.Rows.Count, 1, 15);
    }

    [Fact]
    public void TheKeysOfStoredWindowsAreReadInOnePass()
    {
        var before = new EventWindows<int>(new(0, null), 0, 100, static () => int.MaxValue);
        for (int n = 0; n < 2_000; n++)
        {
            before.Insert(n, n * 10, (n * 10) + 10);
            before.Add(n, n);
        }
        List<StateRow> saved = [];
        before.Save(new ChangedRows(PayloadSerializers.Json, 0, "windows", saved, new()));
        var reader = new CountingReader(new StoredRows(PayloadSerializers.Json, new("work", Assert.Fail), "node", saved, isComplete: true));
        var after = new EventWindows<int>(new(0, null), 0, 100, static () => int.MaxValue);
        after.Restore(reader, now: 0);
        Assert.Equal(Enumerable.Range(0, 2_000), Enumerable.Range(0, after.Count).Select(index => Assert.Single(after[index].Items)));
        Assert.InRange(reader.Reads, 4_000, 10_000);
    }

    /// <summary>The rows of a node in a store; a commit may be given up.</summary>
    private sealed class Store
    {
        private List<StateRow> changes = [];

        public SortedDictionary<string, StateRow> Rows { get; } = new(StringComparer.Ordinal);

        public Writer Begin(int spare) => new(new ChangedRows(PayloadSerializers.Json, 0, "node", changes = [], new()), spare);

        public StoredRows Read() => new(PayloadSerializers.Json, new("work", Assert.Fail), "node", Rows.Values, isComplete: true);

        public void Commit()
        {
            foreach (StateRow row in changes)
            {
                if (row.Value is null) Rows.Remove(row.Key);
                else Rows[row.Key] = row;
            }
        }
    }

    private sealed class Writer(StateWriter rows, int spare) : StateWriter
    {
        public override bool TryTake(int bytes) => spare-- > 0;

        public override int Put<T>(string key, T value, int version = 0) => rows.Put(key, value, version);

        public override int PutMany<T>(string key, ReadOnlySpan<T> values) => rows.PutMany(key, values);

        public override int PutMany<T>(string key, ReadOnlySpan<long> numbers, ReadOnlySpan<T> values)
            => rows.PutMany(key, numbers, values);

        public override int PutBytes(string key, byte[] value) => rows.PutBytes(key, value);

        public override void Delete(string key) => rows.Delete(key);
    }

    private sealed class CountingReader(StateReader rows) : StateReader
    {
        public int Reads { get; private set; }

        public override IReadOnlyList<string> Keys => new CountedKeys(this, rows.Keys);

        public override bool IsComplete => rows.IsComplete;

        public override T Get<T>(string key) => rows.Get<T>(key);

        public override List<T> GetMany<T>(string key) => rows.GetMany<T>(key);

        public override List<T> GetMany<T>(string key, out long[] numbers) => rows.GetMany<T>(key, out numbers);

        public override (ReadOnlyMemory<byte> Bytes, int Version) Stored(string key) => rows.Stored(key);

        public override bool Has(string key) => rows.Has(key);

        private sealed class CountedKeys(CountingReader reader, IReadOnlyList<string> keys) : IReadOnlyList<string>
        {
            public string this[int index]
            {
                get
                {
                    reader.Reads++;
                    return keys[index];
                }
            }

            public int Count => keys.Count;

            public IEnumerator<string> GetEnumerator()
            {
                for (int i = 0; i < keys.Count; i++) yield return this[i];
            }

            System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
        }
    }
}
