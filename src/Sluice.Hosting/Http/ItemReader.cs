using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Sluice.Hosting;

/// <summary>Reads items from bodies, by a serializer.</summary>
internal sealed class ItemReader<T>(IPayloadSerializer<T> serializer, HttpProducerOptions options)
{
    public T ReadOne(ReadOnlySequence<byte> body)
    {
        if (body.Length > options.MaxItemBytes) throw TooLong(1, isOnly: true);
        if (body.IsSingleSegment) return Read(body.FirstSpan, 1, isOnly: true);
        byte[] whole = Rent(body, out int length);
        try
        {
            return Read(whole.AsSpan(0, length), 1, isOnly: true);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <summary>Reads an item from each line, except empty lines; all of them, or none.</summary>
    public ReadItems<T> ReadAll(ReadOnlySequence<byte> body)
    {
        if (body.IsSingleSegment) return ReadAll(body.FirstSpan);
        byte[] whole = Rent(body, out int length);
        try
        {
            return ReadAll(whole.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    private ReadItems<T> ReadAll(ReadOnlySpan<byte> body)
    {
        List<T> items = [];
        List<int> lines = [];
        int number = 0;
        foreach (Range range in body.Split((byte)'\n'))
        {
            number++;
            ReadOnlySpan<byte> line = body[range];
            if (line is [.. var before, (byte)'\r']) line = before;
            if (line.Trim(" \t"u8).IsEmpty) continue;
            if (line.Length > options.MaxItemBytes) throw TooLong(number, isOnly: false);
            if (items.Count == options.MaxItems)
                throw new RefusedException(new(StatusCodes.Status413PayloadTooLarge,
                    $"The body has more than {Amounts.Of(options.MaxItems, "item")}; nothing was accepted. Send it in parts.")
                { Line = number });
            items.Add(Read(line, number, isOnly: false));
            lines.Add(number);
        }
        return items.Count > 0 ? new(items, lines) : throw new RefusedException(new(StatusCodes.Status400BadRequest,
            "The body has no items.")
        { Line = 1, Byte = 1 });
    }

    private T Read(ReadOnlySpan<byte> text, int number, bool isOnly)
    {
        try
        {
            return serializer.Deserialize(text) ?? throw new FormatException("null is no item.");
        }
        catch (JsonException e)
        {
            string why = text.Trim(" \t\r\n"u8).IsEmpty ? "The body is empty." : Without(e.Message);
            throw new RefusedException(new(StatusCodes.Status400BadRequest,
                $"{What(number, isOnly)} is malformed: {why} Nothing was accepted.")
            {
                Line = isOnly ? (e.LineNumber ?? 0) + 1 : number,
                Byte = e.BytePositionInLine + 1,
                Field = e.Path,
            });
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Messages of the type's own code are internal, except for those meant for the client.
            string why = e is FormatException or PayloadException ? e.Message : "It is no item of this producer.";
            throw new RefusedException(new(StatusCodes.Status400BadRequest,
                $"{What(number, isOnly)} is malformed: {why} Nothing was accepted.")
            { Line = number, Byte = 1 });
        }
    }

    private static string What(int number, bool isOnly) => isOnly ? "The item" : $"The item in line {number}";

    /// <summary>Cuts off the position, which the response has in fields of its own.</summary>
    private static string Without(string message)
    {
        int position = message.IndexOf(" Path: ", StringComparison.Ordinal);
        if (position < 0) position = message.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        return position < 0 ? message : message[..position];
    }

    private RefusedException TooLong(int number, bool isOnly)
        => new(new(StatusCodes.Status413PayloadTooLarge,
        $"{What(number, isOnly)} is longer than {Amounts.Of(options.MaxItemBytes, "byte")}; nothing was accepted.")
        { Line = number });

    private static byte[] Rent(ReadOnlySequence<byte> body, out int length)
    {
        length = (int)body.Length;
        byte[] whole = ArrayPool<byte>.Shared.Rent(length);
        body.CopyTo(whole);
        return whole;
    }
}

/// <summary>The items of a body with one in each line.</summary>
/// <param name="Items">The items.</param>
/// <param name="Lines">The line of each item, from 1.</param>
internal sealed record ReadItems<T>(List<T> Items, List<int> Lines)
{
    /// <summary>The line of an item; both count from 1.</summary>
    public int LineOf(int item) => Lines[item - 1];
}
