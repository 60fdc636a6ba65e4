using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

/// <summary>
/// Types that JSON cannot restore completely are refused when the serializer is made or when an item is written, not when it is read.
/// </summary>
public class JsonLossTests
{
    [Fact]
    public void TuplesRecordsAndPolymorphicTypesAreReadBack()
    {
        AssertComesBack(("ATL", 12.5m, new[] { 1, 2 }));
        AssertComesBack(new Total(2, 3));
        AssertComesBack<Animal>(new Cat("Tom", 9));
        AssertComesBack(new Empty());
        AssertComesBack<(int, (string, Total)?)>((1, ("a", new Total(4, 5))));
        AssertComesBack(new Dictionary<string, Total> { ["a"] = new(1, 2) });
    }

    [Fact]
    public void ATypeThatJsonCannotRestoreIsRefusedWithTheReason()
    {
        AssertRefused<ReadOnly>("ReadOnly.Name can be read only");
        AssertRefused<PrivateSetter>("PrivateSetter.Name can be read only");
        AssertRefused<List<(int, PrivateSetter)>>("PrivateSetter.Name can be read only");
        AssertRefused<IShape>("IShape does not say which type to make ([JsonDerivedType] does)");
        AssertRefused<Hidden>("Hidden has nothing that is public");
        AssertRefused<object>("object does not say which type to make");
    }

    [Fact]
    public void TypesWithoutAJsonFormAreRefusedWhenTheSerializerIsMade()
    {
        AssertRefused<WithFunction>("Func<int> has no JSON form");
        AssertRefused<FileStream>("FileStream has no JSON form");
        AssertRefused<(int, Dictionary<string, Type>)>("Type has no JSON form");
        AssertRefused<List<CancellationToken>>("CancellationToken has no JSON form");

        var options = new JsonSerializerOptions(JsonSerializerOptions.Default) { Converters = { new FunctionConverter() } };
        IPayloadSerializer<WithFunction> own = PayloadSerializers.JsonOf(options).For<WithFunction>();
        var bytes = new ArrayBufferWriter<byte>();
        own.Serialize(new(static () => 7), bytes);
        Assert.Equal(7, own.Deserialize(bytes.WrittenSpan).Get());
    }

    [Fact]
    public void TheRemedyNamesTheOptionAndTheType()
        => Assert.Equal(
            "The type IShape would not come back from its payload as it was: IShape does not say which type to make ([JsonDerivedType] "
                + "does). Make what is stored a record of data, or a class with public setters; or set the option Serializers to "
                + "PayloadSerializers.Json.With(an IPayloadSerializer<IShape> of your own) (using Sluice.Storage).",
            Assert.Throws<PayloadException>(() => PayloadSerializers.Json.For<IShape>()).Message);

    [Fact]
    public void AnItemOfAnUndeclaredDerivedTypeIsRefused()
    {
        IPayloadSerializer<Base> serializer = PayloadSerializers.Json.For<Base>();
        var failure = Assert.Throws<NotSupportedException>(() => serializer.Serialize(new Derived(), new ArrayBufferWriter<byte>()));
        Assert.Equal(
            "it is a Derived, of which only what a Base has would be stored. Put [JsonDerivedType(typeof(Derived), \"…\")] on Base",
                failure.Message);
    }

    [Fact]
    public void AConsecutorOfUnrestorableItemsCannotBeConstructed()
    {
        var failure = Assert.Throws<PayloadException>(() => new Consecutor<PrivateSetter>("lossy", source => source.ForEach(_ => { }),
            new() { Store = new MemoryStreamStore() }));
        Assert.Contains("The type PrivateSetter would not come back from its payload as it was: PrivateSetter.Name can be read only.",
            failure.Message, StringComparison.Ordinal);
    }

    private static void AssertComesBack<T>(T value)
    {
        IPayloadSerializer<T> serializer = PayloadSerializers.Json.For<T>();
        var bytes = new ArrayBufferWriter<byte>();
        serializer.Serialize(value, bytes);
        Assert.Equivalent(value, serializer.Deserialize(bytes.WrittenSpan), strict: true);
    }

    private static void AssertRefused<T>(string why)
        => Assert.Contains(why, Assert.Throws<PayloadException>(() => PayloadSerializers.Json.For<T>()).Message, StringComparison.Ordinal);

    public sealed record WithFunction(Func<int> Get);

    private sealed class FunctionConverter : JsonConverter<Func<int>>
    {
        public override Func<int> Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            int value = reader.GetInt32();
            return () => value;
        }

        public override void Write(Utf8JsonWriter writer, Func<int> value, JsonSerializerOptions options)
            => writer.WriteNumberValue(value());
    }

    public interface IShape
    {
        double Area { get; }
    }

    [JsonDerivedType(typeof(Cat), "cat")]
    public abstract record Animal(string Name);

    public sealed record Cat(string Name, int Lives) : Animal(Name);

    public sealed record Total(int Count, decimal Price)
    {
        public decimal Sum => Count * Price;         // computed: nothing is lost
    }

    public sealed record Empty;

    public sealed class ReadOnly
    {
        public string Name { get; } = "x";
    }

    public sealed class PrivateSetter
    {
        public string Name { get; private set; } = "x";

        public void Rename(string name) => Name = name;
    }

    public sealed class Hidden(int secret)
    {
        private readonly int secret = secret;

        public int Reveal() => secret;
    }

    public class Base
    {
        public int A { get; set; }
    }

    public sealed class Derived : Base
    {
        public int B { get; set; }
    }
}
