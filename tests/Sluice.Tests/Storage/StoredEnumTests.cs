using System.Buffers;
using System.Text;
using System.Text.Json.Serialization;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

/// <summary>Enums are numbers in a payload, unless they have a converter, which reads both forms.</summary>
public class StoredEnumTests
{
    [Fact]
    public void AnEnumIsStoredAsItsNumber()
    {
        Assert.Equal("""{"Status":1}""", Written(new Order(Status.Paid)));
        Assert.Equal(new Order(Status.Paid), Read<Order>("""{"Status":1}"""));
        Assert.Equal(new Order((Status)7), Read<Order>("""{"Status":7}"""));
        Assert.Equal(new Order((Status)7), PayloadSerializers.Json.For<Order>().AtDoor().Deserialize("""{"status":7}"""u8));
    }

    [Fact]
    public void AnEnumWithAConverterIsStoredByNameAndEarlierNumbersAreRead()
    {
        Assert.Equal("""{"Status":"Paid"}""", Written(new NamedOrder(NamedStatus.Paid)));
        Assert.Equal(new NamedOrder(NamedStatus.Paid), Read<NamedOrder>("""{"Status":"Paid"}"""));
        Assert.Equal(new NamedOrder(NamedStatus.Paid), Read<NamedOrder>("""{"Status":1}"""));
    }

    private static T Read<T>(string json) => PayloadSerializers.Json.For<T>().Deserialize(Encoding.UTF8.GetBytes(json));

    private static string Written<T>(T value)
    {
        var bytes = new ArrayBufferWriter<byte>();
        PayloadSerializers.Json.For<T>().Serialize(value, bytes);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private enum Status { Open, Paid }

    [JsonConverter(typeof(JsonStringEnumConverter<NamedStatus>))]
    private enum NamedStatus { Open, Paid }

    private sealed record Order(Status Status);

    private sealed record NamedOrder(NamedStatus Status);
}
