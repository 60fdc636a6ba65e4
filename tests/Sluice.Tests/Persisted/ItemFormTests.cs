using System.Buffers;
using System.Text;
using Sluice.Storage;

namespace Sluice.Tests.Persisted;

/// <summary>The payloads of the library's own item types: a pipeline may put them out into a stored stream.</summary>
public class ItemFormTests
{
    private static readonly DateTimeOffset Time = DateTimeOffset.UnixEpoch;

    [Fact]
    public void LibraryItemTypesHaveFixedJsonMembers()
    {
        Is("""{"Key":"a","Items":[1,2]}""", new Group<string, int>("a", [1, 2]));
        Is("""{"Start":"1970-01-01T00:00:00+00:00","End":"1970-01-01T00:00:01+00:00","Items":[1],"Pane":2}""",
            new Window<int>(Time, Time.AddSeconds(1), [1], 2));
        Is("""{"Path":"p","Number":1,"Text":"t"}""", new FileLine("p", 1, "t"));
        Is("""{"Time":"1970-01-01T00:00:00+00:00"}""", new Tick(Time));
        Is("""{"Consecutor":"c","Batch":"b","Items":3,"Failed":1}""", new BatchCompleted("c", "b", 3, 1));
        Is("""{"Generation":1,"Stream":"s","Partition":2,"Sequence":3}""", new EntryId(1, "s", 2, 3));
        Is("{}", default(Unit));
    }

    private static void Is<T>(string expected, T item)
    {
        var bytes = new ArrayBufferWriter<byte>();
        PayloadSerializer.Json<T>().Serialize(item, bytes);
        Assert.Equal(expected, Encoding.UTF8.GetString(bytes.WrittenSpan).Replace("\\u002B", "+", StringComparison.Ordinal));
    }
}
