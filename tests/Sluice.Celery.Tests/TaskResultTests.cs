using System.Text;
using System.Text.Json;

namespace Sluice.Celery.Tests;

/// <summary>Results of tasks as Python writes them.</summary>
public class TaskResultTests
{
    /// <summary>Python has half a surrogate pair for each byte of a file's name that is no UTF-8.</summary>
    [Fact]
    public void AnErrorWithHalfASurrogatePairIsTold()
    {
        TaskResult result = TaskResult.Read("""
            {"status": "FAILURE", "traceback": "File \"caf\udce9.py\"",
             "result": {"exc_type": "FileNotFoundError", "exc_message": ["caf\udce9.csv", 2], "exc_module": "builtins"}}
            """u8.ToArray());
        Assert.Equal(("FAILURE", @"File \""caf\udce9.py\"""), (result.State, result.Traceback));
        Assert.Equal(("FileNotFoundError", @"caf\udce9.csv, 2"), result.Exception());
    }

    /// <summary>kombu 5.3 and later write such values as objects with the name of their type.</summary>
    [Theory]
    [InlineData("""{"__type__": "decimal", "__value__": "1.50"}""", "1.50")]
    [InlineData("""{"__type__": "decimal", "__value__": "1E+2"}""", "1E+2")]
    [InlineData("""{"__type__": "decimal", "__value__": "NaN"}""", "\"NaN\"")]
    [InlineData("""{"__type__": "datetime", "__value__": "2026-01-02T03:04:05+00:00"}""", "\"2026-01-02T03:04:05+00:00\"")]
    [InlineData("""[1, {"at": {"__type__": "time", "__value__": "03:04:05"}}]""", """[1,{"at":"03:04:05"}]""")]
    [InlineData("""{"__type__": "uuid", "__value__": {"hex": "00112233445566778899aabbccddeeff", "version": 4}}""",
        "\"00112233-4455-6677-8899-aabbccddeeff\"")]
    [InlineData("""{"__type__": "bytes", "__value__": "ab\u00e9"}""", "\"YWLDqQ==\"")]
    [InlineData("""{"__type__": "base64", "__value__": "/wA="}""", "\"/wA=\"")]
    [InlineData("""{"__type__": "Shop", "__value__": "x"}""", """{"__type__":"Shop","__value__":"x"}""")]
    [InlineData("""{"__type__": "date", "__value__": "x", "more": "\udce9"}""", """{"__type__":"date","__value__":"x","more":"\udce9"}""")]
    [InlineData("""{"__type__": 1, "__value__": 1.0}""", """{"__type__":1,"__value__":1.0}""")]
    [InlineData("""{"a": [ 1 ]}""", """{"a": [ 1 ]}""")]
    public void AValueOfPythonIsReadAsJsonHasIt(string written, string expected)
        => Assert.Equal(expected, Encoding.UTF8.GetString(PythonValues.Unwrap(Encoding.UTF8.GetBytes(written))));

    [Fact]
    public void ARecordWithValuesOfPythonIsRead()
    {
        byte[] json = PythonValues.Unwrap("""
            {"Price": {"__type__": "decimal", "__value__": "1.50"}, "Day": {"__type__": "date", "__value__": "2026-01-02"},
             "At": {"__type__": "datetime", "__value__": "2026-01-02T03:04:05.678901"},
             "Id": {"__type__": "uuid", "__value__": {"hex": "00112233445566778899aabbccddeeff"}},
             "Data": {"__type__": "bytes", "__value__": "abcd"}}
            """u8.ToArray());
        Sale sale = JsonSerializer.Deserialize<Sale>(json)!;
        Assert.Equal((1.50m, new DateOnly(2026, 1, 2)), (sale.Price, sale.Day));
        Assert.Equal(new DateTime(2026, 1, 2, 3, 4, 5).AddTicks(6789010), sale.At);
        Assert.Equal((new Guid("00112233-4455-6677-8899-aabbccddeeff"), "abcd"), (sale.Id, Encoding.UTF8.GetString(sale.Data)));
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("[1, Infinity]")]
    [InlineData("{\"a\": -Infinity}")]
    public void AResultThatIsNoNumberSaysSo(string result)
    {
        CeleryTaskException failure = Assert.Throws<CeleryTaskException>(() => TaskResult.Read(
            Encoding.UTF8.GetBytes($$"""{"status": "SUCCESS", "result": {{result}}, "traceback": null}""")));
        Assert.Equal(("The task has returned NaN or an infinity, which JSON does not have: return None or a text.", "SUCCESS"),
            (failure.Message, failure.State));
    }

    /// <summary>The list of the arguments is one level more than System.Text.Json reads.</summary>
    [Fact]
    public void ArgumentsOf64LevelsAreWritten()
    {
        string list = $"{new string('[', 65)}{new string(']', 65)}";
        byte[] body = new TaskMessage("any", "id") { Arguments = Encoding.UTF8.GetBytes(list) }.ToBody();
        Assert.StartsWith($"[{list},{{}},", Encoding.UTF8.GetString(body), StringComparison.Ordinal);
    }

    /// <summary>A result stands in an object more, and a UUID in two more.</summary>
    [Fact]
    public void AResultOf64LevelsIsRead()
    {
        string id = """{"__type__": "uuid", "__value__": {"hex": "00112233445566778899aabbccddeeff"}}""", open = new('[', 64);
        TaskResult result = TaskResult.Read(Encoding.UTF8.GetBytes(
            $$"""{"status": "SUCCESS", "result": {{open}}{{id}}{{new string(']', 64)}}}"""));
        string read = Encoding.UTF8.GetString(PythonValues.Unwrap(result.Json));
        Assert.Equal(("SUCCESS", $"{open}\"00112233-4455-6677-8899-aabbccddeeff\"{new string(']', 64)}"), (result.State, read));
        Assert.Equal(JsonValueKind.Array, JsonSerializer.Deserialize<JsonElement>(read).ValueKind);
    }

    [Fact]
    public void ADamagedResultHasTheStateThatStandsBeforeTheDamage() => Assert.Equal("SUCCESS",
        Assert.Throws<CeleryTaskException>(() => TaskResult.Read("""{"status": "SUCCESS", "result": [1,"""u8.ToArray())).State);

    private sealed record Sale(decimal Price, DateTime At, DateOnly Day, Guid Id, byte[] Data);
}
