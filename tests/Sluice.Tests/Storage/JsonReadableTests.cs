using System.Buffers;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

/// <summary>Types that JSON could write, and never read, are refused when the serializer is made, and not with each item.</summary>
public partial class JsonReadableTests
{
    [Fact]
    public void ATypeWithoutAConstructorForJsonIsRefused()
    {
        Refused<TwoConstructors>("TwoConstructors has no constructor that JSON would call ([JsonConstructor] chooses one)");
        Refused<List<Factory>>("Factory has no constructor that JSON would call");
        Refused<Logged>("the constructor of Logged takes log, and there is no public member of this name and type");
        Refused<OtherType>("the constructor of OtherType takes lines, and there is no public member of this name and type");
        ComesBack(new Chosen("a", 1));
        ComesBack(new Partly("a", null));
        foreach (PayloadSerializers one in (PayloadSerializers[])[PayloadSerializers.Json, PayloadSerializers.JsonOf(ReadableJson.Default)])
        {
            Assert.Contains("TwoConstructors has no constructor",
                Assert.Throws<PayloadException>(one.For<TwoConstructors>).Message, StringComparison.Ordinal);
            ComesBack(new Chosen("a", 1), one);
        }
    }

    [Fact]
    public void ACollectionThatJsonCannotFillIsRefused()
    {
        Refused<IReadOnlySet<int>>("IReadOnlySet<int> is a collection that JSON cannot write and read again");
        Refused<(int, ReadOnlyCollection<int>)>("ReadOnlyCollection<int> is a collection");
        Refused<ReadOnlyDictionary<string, int>>("ReadOnlyDictionary<string, int> is a collection");
        Refused<FrozenSet<int>>("FrozenSet<int> is a collection");
        Refused<FrozenDictionary<string, int>>("FrozenDictionary<string, int> is a collection");
        Refused<ConcurrentBag<int>>("ConcurrentBag<int> is a collection");
        Refused<ArraySegment<int>>("ArraySegment<int> is a collection");
        Refused<IGrouping<string, int>>("IGrouping<string, int> is a collection");
        Refused<ILookup<string, int>>("ILookup<string, int> is a collection");
        Refused<IAsyncEnumerable<int>>("IAsyncEnumerable<int> is a collection");
        Refused<Lines>("Lines is a collection");
    }

    [Fact]
    public void KeysThatJsonCannotWriteAreRefused()
    {
        Refused<Dictionary<(int, int), string>>("Dictionary<(int, int), string> has keys that JSON cannot write as texts and read again");
        Refused<Dictionary<Chosen, string>>("has keys that JSON cannot write");
        Refused<Dictionary<object, string>>("has keys that JSON cannot write");
    }

    [Fact]
    public void AllOtherCollectionsAreAccepted()
    {
        ComesBack<IReadOnlyList<int>>([1]);
        ComesBack<IReadOnlyCollection<int>>([1]);
        ComesBack<ISet<int>>(new HashSet<int> { 1 });
        ComesBack(new Queue<int>([1, 2]));
        ComesBack(new LinkedList<int>([1]));
        ComesBack(new ConcurrentQueue<int>([1]));
        ComesBack(new Collection<int> { 1 });
        ComesBack(new ObservableCollection<int> { 1 });
        ComesBack(new SortedDictionary<int, string?> { [1] = null });
        ComesBack(new Dictionary<DayOfWeek, int> { [DayOfWeek.Friday] = 1 });
        ComesBack(new Dictionary<Guid, int> { [Guid.Empty] = 1 });
        ComesBack(new Dictionary<DateOnly, int> { [new(2026, 1, 2)] = 1 });
        ComesBack(new ConcurrentDictionary<string, int> { ["a"] = 1 });
        ComesBack(ImmutableDictionary<string, int>.Empty.Add("a", 1));
        ComesBack(ImmutableArray.Create(1));
        ComesBack(new Bag { 1 });
        ComesBack(new ReadOnlyMemory<byte>([1, 2]).ToArray());
        ComesBack<int?[]>([1, null]);
    }

    private static void Refused<T>(string why)
        => Assert.Contains(why, Assert.Throws<PayloadException>(() => PayloadSerializers.Json.For<T>()).Message, StringComparison.Ordinal);

    private static void ComesBack<T>(T value, PayloadSerializers? serializers = null)
    {
        IPayloadSerializer<T> serializer = (serializers ?? PayloadSerializers.Json).For<T>();
        var bytes = new ArrayBufferWriter<byte>();
        serializer.Serialize(value, bytes);
        Assert.Equal(value, serializer.Deserialize(bytes.WrittenSpan));
        Assert.Equal(value, serializer.AtDoor().Deserialize(bytes.WrittenSpan));
    }

    [JsonSerializable(typeof(TwoConstructors))]
    [JsonSerializable(typeof(Chosen))]
    internal sealed partial class ReadableJson : JsonSerializerContext;

    internal sealed record TwoConstructors(string Customer, int Amount)
    {
        public TwoConstructors(string line) : this(line, 1)
        {
        }
    }

    [method: JsonConstructor]
    internal sealed record Chosen(string Customer, int Amount)
    {
        public Chosen(string line) : this(line, 1)
        {
        }
    }

    internal sealed class Factory
    {
        private Factory()
        {
        }

        public int A { get; set; }

        public static Factory Make() => new();
    }

    internal sealed class Logged(string id, ICloneable log)
    {
        public string Id { get; } = id;

        public object Copy() => log.Clone();
    }

    internal sealed record Partly(string Id, [property: JsonIgnore] ICloneable? Log);

    internal sealed class OtherType(IEnumerable<int> lines)
    {
        public IReadOnlyList<int> Lines { get; } = [.. lines];
    }

    internal sealed record Lines(int[] All) : IEnumerable<int>
    {
        public IEnumerator<int> GetEnumerator() => All.AsEnumerable().GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    /// <summary>A collection that keeps its elements in a field.</summary>
    internal sealed class Bag : ICollection<int>
    {
        private readonly List<int> items = [];

        public int Count { get; private set; }

        public bool IsReadOnly { get; }

        public int Capacity { get; set; } = 16;

        public IReadOnlyList<int> Items => items;

        public void Add(int item)
        {
            items.Add(item);
            Count++;
        }

        public void Clear() => throw new NotSupportedException();

        public bool Contains(int item) => items.Contains(item);

        public void CopyTo(int[] array, int arrayIndex) => items.CopyTo(array, arrayIndex);

        public bool Remove(int item) => throw new NotSupportedException();

        public IEnumerator<int> GetEnumerator() => items.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
